"""The hub in containers: what each container runs, how it says that it is well, and what is made before the first."""

HTTP = "http://hub-api:8000"
"""Where a container finds the APIs and pages: the service and port of docker-compose.yml."""

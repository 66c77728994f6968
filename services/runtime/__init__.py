"""How a service runs: Kafka, PostgreSQL, HTTP, access, logs, metrics. Technology, no domain."""

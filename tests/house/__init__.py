"""The architecture as tests: what every part of the project keeps to, walked from the files themselves."""

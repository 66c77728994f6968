"""The parts embedded on one machine: Kafka, PostgreSQL and the supervisor that keeps the processes."""

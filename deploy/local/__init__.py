"""The hub on one machine: real Kafka, real PostgreSQL and our services as one family of processes."""


class CannotStart(Exception):
    """A part cannot start; the text is one sentence that says what to do."""

"""The hub: ingest writes, warning decides, reporting counts."""

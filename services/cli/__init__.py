"""The hub command, one file per verb."""

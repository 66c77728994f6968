"""Tests of the formats of warnings."""

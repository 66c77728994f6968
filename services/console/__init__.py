"""The pages: wall, desk and log-in."""

from pathlib import Path

BUILT = Path(__file__).parent / "dist"
"""Where the build lies; it is no part of the project, `make up` makes it."""

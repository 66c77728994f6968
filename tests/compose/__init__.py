"""The hub in containers, on a real engine; skipped where there is none."""

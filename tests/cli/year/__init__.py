"""The made year: its rules, its deliveries, its live stream."""

"""Whole paths, from the door to the figure, on a real hub."""

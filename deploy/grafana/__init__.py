"""Dashboards, generated from a table of panels."""

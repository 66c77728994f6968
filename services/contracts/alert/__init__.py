"""Warnings as they are told: one lossless model, and the formats it is read from and written in."""

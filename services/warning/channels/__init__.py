"""The channels by which people are reached: one file each, one row each in `register.CHANNELS`."""

"""What the hub can do, measured on this machine."""

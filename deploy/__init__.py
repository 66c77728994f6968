"""How the hub is put on a machine."""

"""The door: validates, stamps and publishes every fact from outside."""

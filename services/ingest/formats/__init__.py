"""One file per foreign format, each from bytes to raw events; pure."""

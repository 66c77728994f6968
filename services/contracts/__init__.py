"""What we say: the events, topics, codes and units that the services share. Pure data, no I/O."""

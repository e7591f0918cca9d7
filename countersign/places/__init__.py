"""Where Countersign's own things are, what never leaves, and where nothing is received."""

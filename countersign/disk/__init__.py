"""The disk as each system offers it."""

"""Carries bytes to a pinned peer and back: an abstract link, TLS over TCP, and a pair in memory for tests."""

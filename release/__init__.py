"""Executables for this system: `python3 -m release`."""

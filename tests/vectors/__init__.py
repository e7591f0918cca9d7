"""Known-answer vectors: see README.md in this folder."""

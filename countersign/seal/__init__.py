"""The two spoken secrets and what is made of them. No input or output, no clock, no thread."""

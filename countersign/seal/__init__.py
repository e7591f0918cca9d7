"""The two spoken secrets, and the keys and tokens made from them. No input or output, no clock, no thread."""

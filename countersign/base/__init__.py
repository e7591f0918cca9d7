"""The bottom layer: errors, limits, texts, files. Every room may use it; it uses none of them."""

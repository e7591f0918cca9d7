"""What everything may use and what uses nothing: errors, limits, texts, files."""

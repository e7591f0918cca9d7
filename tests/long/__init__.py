"""What proves the figures of docs/SECURITY.md. Each runs long by command and short in the tests: one list, two sizes."""

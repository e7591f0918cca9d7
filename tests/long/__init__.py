"""The runs behind the figures of docs/SECURITY.md. Each has a long form as a command and a short form in the tests, from one list."""

"""The disk operations of each system."""

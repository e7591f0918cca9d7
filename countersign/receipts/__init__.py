"""Receipts: format, writing, checking, and the list of all."""

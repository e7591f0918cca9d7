"""Receipts: their form, writing, checking, and all of them as a list."""

"""Moves a folder from one disk to another: the two sessions, staging, publishing, resume, receipts, status values."""

"""Countersign's own folders, the files that are never sent, and the folders that receive nothing."""

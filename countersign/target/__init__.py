"""The receiving half of one delivery: from an accepted manifest to a receipt."""

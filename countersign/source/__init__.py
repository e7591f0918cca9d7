"""The sending half of one delivery: from a manifest to a receipt."""

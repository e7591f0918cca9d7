"""What a folder is on the wire: a manifest, a plan of packs, zip archives. No input or output here."""

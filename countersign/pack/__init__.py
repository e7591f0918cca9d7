"""A folder's form on the wire: a manifest, a plan of packs, zip archives. No input or output here."""

"""Who we are and whom we trust: a device identity, pinned certificates, counted guesses."""

"""Identity and trust: this device's keys, pinned peer certificates, counted code guesses."""

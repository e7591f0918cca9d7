"""What every conversation between two devices needs, whatever it is about."""

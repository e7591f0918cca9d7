"""The parts that every conversation between two devices needs, whatever its purpose."""

"""What settlement decides. Pure."""

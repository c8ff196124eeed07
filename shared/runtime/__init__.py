"""The frame every room hangs in: written once."""

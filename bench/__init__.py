"""Measured against reference programs in the same minute, on the same machine: `python -m bench`."""

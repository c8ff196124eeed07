"""What is done to many lines at once: SQL over sets, each held to a pure rule by a test."""

"""What one may look up: who and what is registered, and tickets as stored."""

"""What one may look up: registers and orders as stored."""

"""What one may look up: accruals as stored."""

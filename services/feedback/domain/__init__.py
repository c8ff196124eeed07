"""What feedback decides, and what a ticket then is. Pure."""

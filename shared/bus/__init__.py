"""How facts travel between services: one port, two buses."""

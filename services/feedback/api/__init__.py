"""The doors of feedback over HTTP: tickets, and the calendar of working days."""

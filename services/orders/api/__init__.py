"""The doors of orders: events, registers, orders, spreadsheets."""

"""What may happen to an order, and what did: pure rules, split by noun."""

"""The doors for people and machines (接口)."""

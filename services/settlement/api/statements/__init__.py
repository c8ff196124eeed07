"""The doors of monthly settlement: statements, their steps, disputes, suspensions, payments (对账接口)."""

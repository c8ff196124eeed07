"""The doors of retained surplus: what it is reckoned from, the run, the results (结余留用接口)."""

"""Settlement (医保基金直接结算): what the fund owes for what arrived.

Listens to `jicai.deliveries.v1` and `jicai.reference.v1`; publishes `jicai.settlement.v1`.
"""

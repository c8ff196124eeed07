"""Supplier monitoring (供应商履约监测与预警): scorecards and their evidence, day closes
with the alerts they raise and clear, late-response lists, publications.

Reads `jicai.orders.v1`, `jicai.deliveries.v1` and `jicai.reference.v1`; publishes `jicai.alerts.v1`.
赣医保字〔2024〕22号 (三)(六)(十六).
"""

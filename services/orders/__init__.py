"""Orders (采购执行): what hospitals order and what distributors answer and deliver (A16, A3).

Takes facts from hospitals, distributors and importers over HTTP; publishes `jicai.orders.v1`,
`jicai.deliveries.v1` and `jicai.reference.v1`; listens to the calendar on `jicai.reference.v1`.
"""

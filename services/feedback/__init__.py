"""Tickets (反馈工单): what hospitals report about supply, and by when it must be answered (A4).

Listens to `jicai.reference.v1` (who and what is registered), `jicai.orders.v1` and
`jicai.deliveries.v1` (whether what a ticket names has arrived); publishes `jicai.feedback.v1`, and the
working-day calendar of each year on `jicai.reference.v1`.
"""

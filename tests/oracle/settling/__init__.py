"""A brute-force reading of section 10, written before the product's settlement service (直接结算).

Nothing of the product is imported: only the oracle's own orders, reference data and working days.
`desk.request` is the door: an instant, an actor, a method, a path, a body in; status, code, body out.
"""

"""Months of settlement are those of a brute-force reading of the contract (see tests/oracle/settling),
over random receipts, returns, invoices, disputes, suspensions, prepayments and failing banks."""

from __future__ import annotations

from shared.testing.sandbox import running_sandbox
from tests.journeys.settling import play_both
from tests.oracle.settling.seasons import season

SEEDS = {"log": (1, 2), "kafka": (3,)}
"""A season takes half a minute over a broker: other seeds there than here."""


def test_product_and_oracle_settle_the_same(bus: str) -> None:
    for seed in SEEDS[bus]:
        told = season(seed, orders=30)
        with running_sandbox(now=told.start.isoformat()) as sandbox:
            town, office = play_both(sandbox, told)
            assert town.compared > 3
            assert "paid" in {one.state for one in office.statements}
            verified = town.players["bureau:360000"].get("/settlement/v1/verify").json()
            assert verified["ok"], verified

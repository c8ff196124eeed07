"""Months of settlement are those of a brute-force reading of the contract (see tests/oracle/settling),
over random receipts, returns, invoices, disputes, suspensions, prepayments and failing banks."""

from __future__ import annotations

import pytest

from shared.testing.sandbox import running_sandbox
from tests.journeys.settling import play_both
from tests.oracle.settling.seasons import season

SEEDS = (1, 2, 3)


@pytest.mark.parametrize("seed", SEEDS)
def test_product_and_oracle_settle_the_same(seed: int, bus: str) -> None:
    told = season(seed, orders=30)
    with running_sandbox(now=told.start.isoformat()) as sandbox:
        town, office = play_both(sandbox, told)
        assert town.compared > 3
        states = {one.state for one in office.statements}
        assert states >= {"paid"}
        verified = town.players["bureau:360000"].get("/settlement/v1/verify").json()
        assert verified["ok"], verified

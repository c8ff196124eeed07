"""Alerts, small samples and late-response lists are those of a brute-force reading of the contract,
which imports nothing of the product (see tests/oracle), over histories that raise and clear them.

In some of them hospitals complain, so that tickets crowd on products, and are seen off again."""

from __future__ import annotations

import pytest

from shared.testing.sandbox import running_sandbox
from tests.journeys.alarming import (
    compare_alerts,
    compare_bureaus,
    compare_crowds,
    compare_lists,
    compare_small_samples,
)
from tests.journeys.playing import play_both
from tests.oracle.alarms import SEEDS, alarming_history
from tests.oracle.complaining import SEEDS as COMPLAINED
from tests.oracle.complaining import complaining

SEEDS_OVER_A_BROKER = (2, 7)
"""Without crowds of tickets, and with them."""


@pytest.mark.parametrize("seed", SEEDS)
def test_product_and_oracle_raise_clear_and_list_the_same(seed: int) -> None:
    told = alarming_history(seed)
    if seed in COMPLAINED:
        told = complaining(told)
    with running_sandbox(now=told.start.isoformat()) as sandbox:
        model, now, players = play_both(sandbox, told)
        meant = compare_alerts(players, model, told.start, now)
        assert {one.cleared_because for one in meant} >= {"recovered", "sample_too_small"}
        divisions = sorted({body["division"] for body in told.land.hospitals.values()})
        assert compare_bureaus(players, model, meant, divisions) > 0
        assert compare_crowds(players, model, meant) >= 3 * (seed in COMPLAINED)
        assert compare_small_samples(players, model, told.start, now) > 0
        lists = compare_lists(players, model, told.start, now)
        lines = [line for one in lists for line in one.lines]
        assert {line.occurrence for line in lines} == {"first", "again"}

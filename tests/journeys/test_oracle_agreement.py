"""Random histories through the public interface give the verdicts, orders and figures of a
brute-force reading of the contract, which imports nothing of the product (see tests/oracle)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.testing.sandbox import running_sandbox
from tests.journeys.playing import (
    compare_evidence,
    compare_figures,
    compare_orders,
    play_both,
)
from tests.oracle.complaining import complaining
from tests.oracle.figures import Question, subjects
from tests.oracle.histories import history
from tests.oracle.wire import SHANGHAI

COMPLAINED = 3
SEEDS_OVER_A_BROKER = (COMPLAINED, 11)
"""One told in true time, with tickets, and one that an importer tells."""
KINDS = ("distributor", "manufacturer", "product", "total")


@pytest.mark.parametrize(
    ("seed", "importer"), [(1, False), (2, False), (3, False), (11, True), (12, True)]
)
def test_product_and_oracle_agree(seed: int, importer: bool) -> None:
    told = history(seed, orders=40, days=30, importer=importer)
    if seed == COMPLAINED:
        told = complaining(told, crowded=False, others=24)
    with running_sandbox(now=told.start.isoformat()) as sandbox:
        model, now, players = play_both(sandbox, told)
        assert compare_orders(players, model, now) > 10
        sandbox.move((now + timedelta(days=12)).isoformat())
        model.advance(now + timedelta(days=12))
        as_of = (now + timedelta(days=11)).astimezone(SHANGHAI).date()
        for subject in KINDS:
            for window in (
                "30d",
                "90d",
                f"{as_of:%Y-%m}",
                f"{as_of.year}Q{(as_of.month + 2) // 3}",
            ):
                compare_figures(
                    players, model, Question(subject=subject, window=window, as_of=as_of)
                )
            for narrowed in (
                {"category": "drug"},
                {"role": "selected"},
                {"level": "primary"},
                {"division": "360100"},
                {"batch_id": "B-early"},
            ):
                compare_figures(
                    players, model, Question(subject=subject, window="90d", as_of=as_of, **narrowed)
                )
        for kind in ("distributor", "manufacturer", "total"):
            question = Question(subject=kind, window="90d", as_of=as_of)
            for one in ["total"] if kind == "total" else subjects(model, question):
                assert compare_evidence(players, model, replace(question, id=one))

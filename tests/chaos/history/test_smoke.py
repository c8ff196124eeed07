"""Ninety seconds of what `make chaos` does for longer: one blow of each kind that hurts most."""

from __future__ import annotations

import asyncio
import os

import pytest

from shared.testing.broker import BrokerMissing
from tests.chaos.history.run import play

pytestmark = pytest.mark.kafka

BLOWS = (
    "kill-service", "cut", "clock-forward", "kill-postgres", "stop-service", "clock-back",
    "kill-broker",
)  # fmt: skip


@pytest.mark.timeout(420)
def test_every_promise_is_kept_while_everything_is_killed_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Twenty parties write down what they send; afterwards logs, topics and rows are read whole."""
    with capsys.disabled():
        print()
        try:
            verdict = asyncio.run(play(7, 90, rate=30, say=print, blows=BLOWS))
        except BrokerMissing as missing:
            if os.environ.get("CI") == "true":
                pytest.fail(str(missing))
            pytest.skip(str(missing))
        print(verdict)
    assert verdict.is_passed, verdict.complaints
    assert verdict.accepted > 100, "nobody had anything to say"
    assert verdict.unknown > 0, "no answer was ever lost: the cuts cut nothing"
    assert len(verdict.recoveries) == len(BLOWS)

"""PostgreSQL dies under a living sandbox: 503 problems, never a 500, and nothing accepted is lost."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from tests.chaos.killing import Undying, alive, children, undying, wait_until
from tests.journeys.goods import HOSPITAL, OPS, H
from tests.journeys.market import Market

READS = [
    "/orders/v1/orders", f"/orders/v1/orders/{H}-1", "/orders/v1/changes", "/orders/v1/products/P",
    "/orders/v1/products", "/orders/v1/reconciliation?day=2026-01-05",
    "/alerts/v1/scorecards?subject=distributor", "/alerts/v1/scorecards/total",
    "/alerts/v1/changes", "/feedback/v1/tickets", "/feedback/v1/calendar/2026",
    "/settlement/v1/accruals",
]  # fmt: skip


@pytest.fixture
def house(tmp_path):
    with undying(tmp_path / "d") as house:
        yield house


def status(house: Undying, method: str, path: str, **options: Any) -> int:
    """The status; every error is a problem document, and none is a 500."""
    with house.sandbox.client(HOSPITAL if method == "POST" else OPS) as client:
        answer = client.request(method, path, **options)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        assert answer.status_code != 500, (path, answer.text)
    return answer.status_code


def test_without_its_database_everything_is_503_and_a_restart_has_it_all(house):
    market = Market(house.sandbox)
    tales = [market.placed() for _ in range(5)]
    placing = market.tale().placing()
    postmaster = house.postmaster
    backends = children(postmaster)
    os.kill(postmaster, signal.SIGKILL)
    wait_until(lambda: not any(alive(pid) for pid in backends))
    assert status(house, "POST", "/orders/v1/events", json=placing) == 503
    for path in READS:
        assert status(house, "GET", path) == 503, path
    assert status(house, "POST", "/orders/v1/events?dry_run=true", json=placing) == 503
    assert status(house, "GET", "/readyz") == 503
    assert status(house, "GET", "/livez") == 200
    assert status(house, "POST", "/sandbox/v1/clock", json={"now": "2026-01-06T09:00:00"}) == 503
    house.sandbox.process.terminate()
    assert house.sandbox.process.wait(30) == 0
    house.revive()
    again = Market(house.sandbox, fill=False)
    assert again.now == "2026-01-05T09:00:00+08:00"
    for tale in tales:
        tale.market = again
        assert tale.view()["lines"][0]["state"] == "awaiting_answer"
    assert again.results(HOSPITAL, placing)[0]["status"] == "accepted"


def test_after_a_crash_of_its_server_the_sandbox_goes_on_by_itself(house):
    market = Market(house.sandbox)
    tales = [market.placed() for _ in range(5)]
    for _ in range(2):
        postmaster = house.postmaster
        backends = children(postmaster)
        os.kill(backends[-1], signal.SIGKILL)
        wait_until(lambda before=backends: not any(alive(pid) for pid in before))
        answering = tales.pop().answering(time="2026-01-05T09:00:00+08:00")
        wait_until(
            lambda event=answering: (
                status(house, "POST", "/orders/v1/events?dry_run=true", json=event) != 503
            )
        )
        for path in READS:
            wait_until(lambda path=path: status(house, "GET", path) != 503)
        wait_until(lambda: status(house, "POST", "/sandbox/v1/settle") == 200)
        market = Market(house.sandbox, fill=False)
        for tale in tales:
            tale.market = market
            assert tale.view()["lines"][0]["state"] == "awaiting_answer"
        assert tales[-1].answer()["status"] == "accepted"
        assert market.placed().answer()["status"] == "accepted"
    house.sandbox.move("2026-01-06T09:00:00+08:00")
    assert house.postmaster == postmaster

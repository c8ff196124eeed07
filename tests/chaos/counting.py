"""What the alerts service says of a migrated history, and what anybody can count by hand."""

from __future__ import annotations

import time
from typing import Any

from tests.chaos.installation import Server, sleep_past
from tests.chaos.sending import Sender, answered, late, on_time

QUESTION = {"window": "90d"}
SUBJECTS = ("distributor", "manufacturer", "product")
Counts = dict[str, tuple[int, int]]
SILENCE_MAX = 60.0
"""Longer than a consumer may take nothing and be well.

The group waits ten seconds for a member that died, ten more where it died while it joined; who is
given nothing for twenty joins anew, up to six seconds for leaving and ten for the others; after a
fault five of rest. Together some fifty.
"""
WAIT_MAX = 120.0
"""However much it moves: what is sent meanwhile is taken in a second or two."""


def counted(alerts: Server) -> Counts:
    """The total's rates as numerator and denominator."""
    rates = alerts.get("/alerts/v1/scorecards/total", **QUESTION)["rates"]
    return {
        name: (rates[name]["numerator"], rates[name]["denominator"])
        for name in ("response", "answered", "on_time", "on_time_first", "delivery", "receipt")
    }


def by_hand(sender: Sender) -> Counts:
    """The same, from the orders that were begun: one line of ten units each."""
    numbers = sender.orders
    lines = len(numbers)
    prompt = sum(answered(n) and not late(n) for n in numbers)
    punctual = sum(on_time(n) for n in numbers)
    units = 10 * 10_000 * lines
    return {
        "response": (prompt, lines),
        "answered": (prompt, lines),
        "on_time": (punctual, lines),
        "on_time_first": (punctual, lines),
        "delivery": (units, units),
        "receipt": (units, units),
    }


def scorecards(alerts: Server) -> dict[str, Any]:
    """Every subject's scorecard and the total, but for when it was asked."""
    found = {"total": alerts.get("/alerts/v1/scorecards/total", **QUESTION)}
    for subject in SUBJECTS:
        for item in alerts.get("/alerts/v1/scorecards", subject=subject, **QUESTION)["items"]:
            found[f"{subject} {item['id']}"] = item
    found["total"] = found["total"].pop("items")[0]
    for item in found.values():
        del item["known_at"]
    return found


def reaches(alerts: Server, expected: Counts) -> None:
    """Wait as long as the total moves towards this; where it stays elsewhere, show where."""
    began = moved = time.monotonic()
    found = counted(alerts)
    while found != expected:
        now = time.monotonic()
        assert now - moved < SILENCE_MAX, f"it stays at {_told(alerts, found, expected)}"
        assert now - began < WAIT_MAX, f"after {WAIT_MAX} s it is {_told(alerts, found, expected)}"
        sleep_past(0.3)
        before, found = found, counted(alerts)
        if found != before:
            moved = time.monotonic()


def _told(alerts: Server, found: Counts, expected: Counts) -> str:
    return (
        f"{found}, expected {expected}; readiness {alerts.readiness()}; "
        f"last said {alerts.log.read_text('utf-8', 'replace')[-2000:]}"
    )


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[tuple[str, str, Any, Any]]:
    """Where two such sets of scorecards differ: card, member, and what each says."""
    assert one.keys() == other.keys()
    return [
        (card, member, one[card][member], other[card][member])
        for card in one
        for member in one[card]
        if one[card][member] != other[card][member]
    ]

"""Reads alerts, small samples and late-response lists from a sandbox, and compares with the oracle."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx2

from tests.journeys.playing import Players
from tests.oracle.alerts import (
    Alert,
    SmallSample,
    alerts,
    closing_days,
    small_samples,
)
from tests.oracle.concentrated import RULE as CROWD
from tests.oracle.concentrated import areas_of, concentrated
from tests.oracle.lists import LateList, late_lists
from tests.oracle.orders import Orders
from tests.oracle.wire import parse_time
from tests.oracle.world import covers

ALERTS, SMALL = "/alerts/v1/alerts", "/alerts/v1/small-samples"
LISTS = "/alerts/v1/late-response-lists"
DEFINITIONS = {
    "A3.3-response": "response.v1",
    "A3.3-on-time": "on_time.v1",
    CROWD: "concentrated_feedback.v1",
}
MEMBERS = {
    *("alert_id", "rule", "article", "subject", "subject_id", "scope", "state", "raised_at"),
    *("cleared_at", "cleared_because", "acknowledged", "figure", "threshold", "definition"),
    *("evidence", "policy_version", "title"),
}
EVERYONE = "ops:360000"


def everything(client: httpx2.Client, path: str, limit: int = 100, **asked: str) -> list[Any]:
    """Every item of a list, page by page, none of them twice."""
    items: list[Any] = []
    after: dict[str, str] = {}
    while True:
        parameters = {**asked, **after, "limit": str(limit)}
        answer = client.get(path, params=parameters)
        assert answer.status_code == 200, (path, parameters, answer.text)
        page = answer.json()
        assert len(page["items"]) <= limit, (path, parameters)
        items += page["items"]
        if page["next"] is None:
            return items
        assert page["items"], (path, parameters)
        after = {"after": page["next"]}


def figure(told: Any) -> tuple[int, int, str | None]:
    """A rate as it stands on the wire."""
    return told["numerator"], told["denominator"], told["percent"]


def alert_told(item: Any) -> tuple[Any, ...]:
    """What the product says of an alert, in the oracle's terms."""
    cleared = item["cleared_at"]
    return (
        *(item["rule"], item["subject"], item["subject_id"], item["scope"]),
        parse_time(item["raised_at"]),
        parse_time(cleared) if cleared else None,
        *(item["cleared_because"], item["state"], figure(item["figure"])),
        Decimal(str(item["threshold"])),
    )


def alert_meant(alert: Alert) -> tuple[Any, ...]:
    """The same of the oracle's."""
    return (
        *(alert.rule, alert.subject, alert.subject_id, alert.scope),
        *(alert.raised_at, alert.cleared_at, alert.cleared_because, alert.state),
        *(figure(alert.figure.shown()), Decimal(alert.threshold)),
    )


def same(told: list[Any], meant: list[Any], where: str) -> None:
    """Both sides hold the same rows, each once, whatever their order."""
    lacking = [one for one in meant if one not in told]
    surplus = [one for one in told if one not in meant]
    assert (lacking, surplus) == ([], []), f"{where}: the product lacks {lacking}, adds {surplus}"
    assert len(told) == len(meant), f"{where}: something is told twice"


def compare_alerts(players: Players, model: Orders, since: datetime, now: datetime) -> list[Alert]:
    """Every alert, in both states and through every filter, is the oracle's; returns those."""
    meant, client = alerts(model, since, now), players[EVERYONE]
    meant += concentrated(model, since, now)
    told = everything(client, ALERTS, limit=7)
    assert len({item["alert_id"] for item in told}) == len(told)
    same([alert_told(item) for item in told], [alert_meant(one) for one in meant], "alerts")
    for item in told:
        assert set(item) >= MEMBERS, item
        assert item["definition"] == DEFINITIONS[item["rule"]]
        assert item["acknowledged"] is None
    for name, of in FILTERS.items():
        for value in sorted({of(one) for one in meant}):
            chosen = [alert_meant(one) for one in meant if of(one) == value]
            found = everything(client, ALERTS, **{name: value})
            same([alert_told(item) for item in found], chosen, f"alerts by {name}={value}")
    return meant


def compare_crowds(players: Players, model: Orders, meant: list[Alert]) -> int:
    """Behind an alert of crowding tickets stand the oracle's tickets; returns how many alerts."""
    crowds = {(one.subject_id, one.raised_at): one for one in meant if one.rule == CROWD}
    told = everything(players[EVERYONE], ALERTS, rule=CROWD)
    for item in told:
        one = crowds[item["subject_id"], parse_time(item["raised_at"])]
        hospitals = {model.complaints.tickets[ticket].hospital_id for ticket in one.tickets}
        counts = item["figure"]["tickets"], item["figure"]["hospitals"]
        assert counts == (len(one.tickets), len(hospitals)), item
        behind = everything(players[EVERYONE], item["evidence"])
        assert sorted(row["ticket_id"] for row in behind) == sorted(one.tickets), item
    return len(told)


FILTERS: dict[str, Any] = {
    "state": lambda one: one.state,
    "rule": lambda one: one.rule,
    "subject": lambda one: one.subject,
    "subject_id": lambda one: one.subject_id,
}


def compare_bureaus(
    players: Players, model: Orders, meant: list[Alert], divisions: list[str]
) -> int:
    """A bureau sees the alerts whose figure holds a line or ticket of its area; how many it may not."""
    hidden = 0
    for division in divisions:
        area = [one for one in meant if any(covers(division, d) for d in areas_of(model, one))]
        found = everything(players[f"bureau:{division}"], ALERTS)
        chosen = [alert_meant(one) for one in area]
        same([alert_told(item) for item in found], chosen, f"alerts seen by {division}")
        hidden += len(meant) - len(area)
    return hidden


def sample_meant(sample: SmallSample) -> tuple[Any, ...]:
    """A small sample in the words of both sides."""
    return (
        *(sample.rule, sample.subject, sample.subject_id, sample.scope, sample.day.isoformat()),
        *(figure(sample.figure.shown()), Decimal(sample.threshold)),
    )


def sample_told(item: Any) -> tuple[Any, ...]:
    """The same of the product's."""
    return (
        *(item["rule"], item["subject"], item["subject_id"], item["scope"], item["day"]),
        *(figure(item["figure"]), Decimal(str(item["threshold"]))),
    )


def compare_small_samples(
    players: Players, model: Orders, since: datetime, now: datetime, step: int = 2
) -> int:
    """The small samples of the last close, and of every so many closes, are the oracle's."""
    days, client, count = list(closing_days(since, now)), players[EVERYONE], 0
    asked: list[dict[str, str]] = [{}, *({"day": day.isoformat()} for day in days[::-step])]
    for parameters, day in zip(asked, [days[-1], *days[::-step]], strict=True):
        meant = [sample_meant(one) for one in small_samples(model, day)]
        told = [sample_told(item) for item in everything(client, SMALL, **parameters)]
        same(told, meant, f"small samples of {day}, asked with {parameters}")
        count += len(meant)
    return count


def list_told(item: Any) -> tuple[Any, ...]:
    """A list as the product tells it; lines that expire together stand in any order."""
    rows = [
        (
            parse_time(row["expired_at"]),
            *(row["order_id"], row["line_id"]),
            parse_time(row["sent_at"]),
            row["occurrence"],
        )
        for row in item["lines"]
    ]
    expiries = [row[0] for row in rows]
    assert expiries == sorted(expiries), f"not by expiry: {item}"
    issued = parse_time(item["issued_at"])
    return item["day"], issued, item["distributor_id"], item["bureau"], tuple(sorted(rows))


def list_meant(issued: LateList) -> tuple[Any, ...]:
    """The same of the oracle's."""
    rows = [
        (one.expired_at, one.order_id, one.line_id, one.sent_at, one.occurrence)
        for one in issued.lines
    ]
    day = issued.day.isoformat()
    return day, issued.issued_at, issued.distributor_id, issued.bureau, tuple(sorted(rows))


def compare_lists(
    players: Players, model: Orders, since: datetime, now: datetime
) -> list[LateList]:
    """Every list is the oracle's, for everyone and through every filter; returns the oracle's."""
    meant, client = late_lists(model, since, now), players[EVERYONE]
    told = everything(client, LISTS, limit=7)
    assert len({item["list_id"] for item in told}) == len(told)
    assert all(item["received_at"] is None for item in told)
    same([list_told(item) for item in told], [list_meant(one) for one in meant], "lists")
    for name in ("day", "distributor_id", "bureau"):
        for value in sorted({str(getattr(one, name)) for one in meant}):
            chosen = [list_meant(one) for one in meant if str(getattr(one, name)) == value]
            found = everything(client, LISTS, **{name: value})
            same([list_told(item) for item in found], chosen, f"lists by {name}={value}")
    for distributor in sorted({one.distributor_id for one in meant}):
        chosen = [list_meant(one) for one in meant if one.distributor_id == distributor]
        found = everything(players[f"distributor:{distributor}"], LISTS)
        same([list_told(item) for item in found], chosen, f"lists addressed to {distributor}")
    for bureau in sorted({one.bureau for one in meant}):
        chosen = [list_meant(one) for one in meant if covers(bureau, one.bureau)]
        found = everything(players[f"bureau:{bureau}"], LISTS)
        same([list_told(item) for item in found], chosen, f"lists in the area of {bureau}")
    return meant

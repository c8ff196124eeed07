"""A small history by hand in which every promise was kept: the checker's tests plant faults in it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.events.topics import FEEDBACK, MARK_TYPE, MARKS, ORDERS
from tests.chaos.history.evidence import Evidence, LedgerEntry, Quiet, Row, words_of
from tests.chaos.history.journal import Entry
from tests.chaos.topics_read import Seen

NINE = datetime(2026, 1, 5, 1, tzinfo=UTC)
HOSPITAL, DISTRIBUTOR = "urn:jicai:H36010200001", "urn:jicai:91360100MA"
HOUR = timedelta(hours=1)


def event(source: str, id_: str, type_: str) -> dict[str, Any]:
    """What a party made."""
    return {"source": source, "id": id_, "type": type_, "data": {"order_id": "o1", "said": id_}}


PLACED = event(HOSPITAL, "o1-1", "jicai.order.placed.v1")
ANSWERED = event(DISTRIBUTOR, "o1-2", "jicai.order.answered.v1")
REFUSED = event(DISTRIBUTOR, "o1-3", "jicai.order.answered.v1")


def answer(id_: str, status: str, **more: Any) -> Entry:
    """What a party was told."""
    return {"what": "answer", "id": id_, "forged": False, "status": status, **more}


def journal() -> list[Entry]:
    """One accepted, one unknown and then a duplicate, one refused; an act, an approval, a payment."""
    made: list[Entry] = [{"what": "made", "event": one} for one in (PLACED, ANSWERED, REFUSED)]
    return [
        *made,
        answer("o1-1", "accepted", position=1),
        answer("o1-1", "duplicate", position=1),
        {"what": "unknown", "ids": ["o1-2"]},
        answer("o1-2", "duplicate", position=2),
        answer("o1-3", "rejected", code="already_answered"),
        {**answer("o1-1", "rejected", code="conflicting_duplicate"), "forged": True},
        {"what": "done", "act": "opened", "ticket": "t1"},
        {"what": "done", "act": "approve", "statement": "s1"},
        {"what": "done", "act": "paid", "statement": "s1", "payment": "p1"},
    ]


def row(
    log: str, position: int, stream: str, version: int, said: dict[str, Any], **more: Any
) -> Row:
    """A fact as it stands."""
    at = NINE + position * HOUR
    return Row(
        log=log, xid=700 + position, position=position,
        topic=more.get("topic", {"orders": ORDERS, "feedback": FEEDBACK}.get(log, "jicai.alerts.v1")),
        stream=stream, version=version, source=said["source"], event_id=said["id"],
        type=said["type"], occurred_at=more.get("at", at), recorded_at=more.get("at", at),
        data=said["data"], fact=json.dumps(said["data"]).encode(),
    )  # fmt: skip


def mark(log: str, position: int, version: int) -> Row:
    """A closing instant in a log."""
    at = NINE + position * HOUR
    said = {"source": "urn:jicai:platform", "id": f"mark-{at}", "type": MARK_TYPE, "data": {}}
    return row(log, position, "mark", version, said, topic=MARKS)


def alert(position: int, version: int, what: str, stream: str = "alert-a1") -> Row:
    """A raising or a clearing of one rule for one subject."""
    data = {"rule": "A3.3-response", "subject": "product", "subject_id": "P", "scope": "360000"}
    said = event("urn:jicai:platform", f"{stream}-{what}", f"jicai.alert.{what}.v1")
    return row("alerts", position, stream, version, {**said, "data": data})


def rows() -> list[Row]:
    """Orders with a mark between two facts, a ticket, an alert that was raised and cleared."""
    opened = event(HOSPITAL, "t1-opened", "jicai.ticket.opened.v1")
    return [
        row("orders", 1, "order-o1", 1, PLACED),
        mark("orders", 2, 1),
        row("orders", 3, "order-o1", 2, ANSWERED),
        row("feedback", 1, "ticket-t1", 1, opened),
        alert(1, 1, "raised"),
        alert(2, 2, "cleared"),
        alert(3, 1, "raised", "alert-a2"),
    ]


def seen_of(one: Row, offset: int, partition: int = 0) -> Seen:
    """The record of a fact."""
    headers = {
        "ce_source": one.source, "ce_id": one.event_id, "ce_type": one.type,
        "ce_streamversion": str(one.version),
    }  # fmt: skip
    return Seen(one.topic, partition, offset, one.stream.encode(), one.fact, headers)


def sound() -> Evidence:
    """Nothing to complain about."""
    facts = rows()
    return Evidence(
        words=words_of(journal()),
        rows=facts,
        seen=[seen_of(one, offset) for offset, one in enumerate(facts) if one.topic],
        noisy={"alerts.lines": [("o1", "L1", "True")]},
        quiet={"alerts.lines": [("o1", "L1", "True")]},
        entries=[
            LedgerEntry("approval-s1", [("receivable", 500, 0), ("payable", 0, 500)]),
            LedgerEntry("payment-p1", [("payable", 500, 0), ("bank", 0, 500)]),
        ],
        claims=[("1", "o1", "r1", "L1", ""), ("1", "o1", "r1", "L1", "b1")],
        standing=Quiet(
            lags={"alerts jicai.orders.v1": 0}, held={"alerts": 0}, parked={"alerts": 0},
            verified={"ok": True},
        ),
    )  # fmt: skip

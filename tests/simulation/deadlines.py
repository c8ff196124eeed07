"""What deadlines ought to have done (时限核对), read off the facts alone: no state, no decider."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import msgspec

from services.feedback.domain.ladder import LEVELS
from shared.events import feedback as f
from shared.events import orders as o
from shared.events.envelope import Record
from shared.events.topics import REFERENCE
from tests.simulation.doors import Doors
from tests.simulation.ground import ORDER_TERMS
from tests.simulation.journal import Journal

_PASSING: Final = {
    f.REPLY_OVERDUE: "reply_due",
    f.PROMISE_BROKEN: "promised",
    f.PROVINCE_OVERDUE: "level_due",
}


def check_deadlines(doors: Doors) -> None:
    """Each timer fired at its due, once; nothing that was due is silent."""
    for stream in _streams(doors.orders):
        _check_order(stream, doors.now)
    for stream in _streams(doors.feedback):
        _check_ticket(stream)
    for log, journal in doors.outside.items():
        late = {name: due for name, due in journal.dues.items() if due <= doors.now}
        assert not late, f"{log} sleeps over {late}"


def _streams(journal: Journal) -> Iterator[list[Record]]:
    streams: dict[str, list[Record]] = {}
    for record in journal.log:
        if record.mark is None and record.topic != REFERENCE:
            streams.setdefault(record.stream, []).append(record)
    return iter(streams.values())


def _check_order(told: list[Record], now: datetime) -> None:
    """A line nobody sent is void at its due, to the microsecond, and no other line ever is."""
    placed = _decode(told[0])
    open_ = (
        {} if placed.back_entered else {line.line_id: line.delivery_due for line in placed.lines}
    )
    for record in told[1:]:
        fact = _decode(record)
        match fact:
            case o.Cancelled():
                for line_id in fact.line_ids:
                    open_.pop(line_id, None)
            case o.DueMoved():
                open_.update({x.line_id: x.delivery_due for x in fact.lines if x.line_id in open_})
            case o.Dispatched():
                for line in fact.lines:
                    open_.pop(line.line_id, None)
            case o.LineVoided():
                assert fact.line_id in open_, f"{record.event_id}: this line cannot be void"
                due = max(placed.at + ORDER_TERMS.void, open_.pop(fact.line_id))
                assert record.recorded_at == fact.at == due, (
                    f"{record.event_id} at {record.recorded_at}, due {due}"
                )
    for line_id, delivery_due in open_.items():
        due = max(placed.at + ORDER_TERMS.void, delivery_due)
        assert due > now, f"{placed.order_id}/{line_id} should be void since {due}"


def _check_ticket(told: list[Record]) -> None:
    """What passes, passes at the due that was told; it climbs from rung to rung of its own ladder."""
    dues: dict[str, datetime] = {}
    level: str | None = None
    ladder: list[str] = []
    acted: datetime | None = None
    for record in told:
        fact = _decode(record)
        assert record.recorded_at == fact.at, f"{record.event_id} is not dated when it happened"
        if isinstance(fact, f.TicketOpened):
            ladder = [rung.level for rung in fact.ladder]
        if isinstance(fact, f.DeadlineMoved):
            assert fact.before == dues[fact.name], f"{record.event_id} moves {fact.before}"
        if record.type in _PASSING:
            due = dues.get(_PASSING[record.type])
            assert fact.at == due, f"{record.event_id} at {fact.at}, due {due}"
        elif fact.by == "silence":
            assert fact.at == dues["confirm_due"], f"{record.event_id} at {fact.at}"
        elif isinstance(fact, f.SupervisionBegan):
            assert level is None, f"{record.event_id} begins what had begun"
            assert fact.level == ladder[0], f"{record.event_id} begins at {fact.level}"
            level = fact.level
        elif isinstance(fact, f.Escalated):
            _check_hop(record, fact, level, ladder)
            assert fact.at in (acted, dues.get("level_due")), f"{record.event_id} at {fact.at}"
            level = fact.to_level
        if fact.by not in ("system", "silence"):
            acted = fact.at
        dues.update({one.name: one.due_at for one in fact.deadlines})


def _check_hop(record: Record, fact: f.Escalated, level: str | None, ladder: list[str]) -> None:
    assert fact.from_level == level, (
        f"{record.event_id} leaves {fact.from_level}, it was at {level}"
    )
    hop = LEVELS.index(fact.to_level) - LEVELS.index(fact.from_level)
    assert hop == 1, f"{record.event_id} goes from {fact.from_level} to {fact.to_level}"
    assert fact.to_level in ladder, f"{record.event_id} leaves its ladder for {fact.to_level}"


_DECODERS: Final = {
    type_: msgspec.json.Decoder(fact) for type_, fact in (o.FACTS | f.FACTS).items()
}


def _decode(record: Record) -> Any:
    return _DECODERS[record.type].decode(record.fact)

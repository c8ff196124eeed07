"""Firing by hand: the same rows as ours, by a loop that knows nothing but an unanswered reply.

What all facts of one 24:00 have in common is written once into templates; of a ticket only its own
words are put in. A state is taken apart as bare lists. No rule, no decider, no struct.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import asyncpg
import msgspec

from shared.kernel.calendar import WorkCalendar

_TAKE: Final = """
SELECT stream, version, state FROM streams WHERE next_due <= $1
ORDER BY next_due, stream LIMIT $2 FOR UPDATE SKIP LOCKED"""
_UPDATE: Final = """
UPDATE streams s SET version = s.version + 2, state = u.state, next_due = $3, level = u.level,
  bureau = u.bureau, last_due = $3
FROM unnest($1::text[], $2::bytea[], $4::text[], $5::text[]) u(stream, state, level, bureau)
WHERE s.stream = u.stream"""
_COLUMNS: Final = (
    "position", "topic", "stream", "version", "source", "event_id", "type", "occurred_at",
    "recorded_at", "sha256", "payload", "fact", "hospital_id", "distributor_id", "manufacturers",
)  # fmt: skip
_SOURCE: Final = "urn:jicai:platform"
_OVERDUE, _BEGAN = "jicai.ticket.reply_overdue.v1", "jicai.ticket.supervision_began.v1"
_STATE: Final = {
    "ticket_id": 0, "hospital_id": 1, "product_id": 2, "addressees": 3, "hospital_level": 8,
    "product_category": 9, "ladder": 12, "bureau": 13, "history": 14, "running": 15, "level": 17,
}  # fmt: skip
_BLOCK: Final = 1024

_encode = msgspec.json.encode
_decode = msgspec.json.decode


def _text(value: Any) -> str:
    return _encode(value).decode()


class Night:
    """What the facts of one 24:00 share."""

    def __init__(self, calendar: WorkCalendar, due: datetime, day: date) -> None:
        days = calendar.explain(day, 3)
        self.level_due = datetime.combine(days[-1].date, datetime.min.time(), due.tzinfo)
        self.level_due += timedelta(hours=16)
        self.due = due
        self.at, self.level_at = _text(due), _text(self.level_due)
        told = [{"date": d.date, "counted": d.counted, "reason": d.reason} for d in days]
        provisional = calendar.is_provisional(day, days[-1].date)
        assert not provisional  # else one member more
        version = _text(calendar.version)
        self.deadlines = (
            f'[{{"name":"level_due","from":{self.at},"due_at":{self.level_at},'
            f'"calendar_version":{version},"days":{_text(told)}}}]'
        )
        self.sorted_deadlines = (
            f'[{{"calendar_version":{version},"days":'
            f"{_encode(told, order='sorted').decode()}"
            f',"due_at":{self.level_at},"from":{self.at},"name":"level_due"}}]'
        )
        self.running = [
            _decode(self.at), _decode(self.level_at), day.isoformat(), calendar.version, False,
        ]  # fmt: skip


async def fire_by_hand(pool: asyncpg.Pool, night: Night, chunk: int) -> int:
    """Everything due by this night; returns the tickets."""
    fired = 0
    while True:
        async with pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(_TAKE, night.due, chunk)
            if not rows:
                return fired
            await _fire(connection, night, rows)
            fired += len(rows)


async def _fire(tx: asyncpg.Connection, night: Night, rows: list[Any]) -> None:
    blocks = await tx.fetch(
        "SELECT nextval('event_blocks') AS b FROM generate_series(1, $1)",
        -(-2 * len(rows) // _BLOCK),
    )
    positions = (block["b"] * _BLOCK + i for block in blocks for i in range(_BLOCK))
    events: list[tuple[Any, ...]] = []
    streams, states, levels, bureaus = [], [], [], []
    for stream, version, state in rows:
        ticket = _decode(state)
        rung = ticket[12][0]
        for number, (type_, ending, data, sorted_data) in enumerate(_facts(night, ticket, rung), 1):
            event_id = f"{ticket[0]}-{ending}"
            head = f'"id":"{event_id}","source":"{_SOURCE}"'
            digest = sha256(
                f'{{"data":{sorted_data},{head},"time":{night.at},"type":"{type_}"}}'.encode()
            ).digest()
            payload = (
                f'{{"specversion":"1.0",{head},"type":"{type_}","time":{night.at},'
                f'"datacontenttype":"application/json","data":{data}}}'
            )
            addressees = " ".join(ticket[3])
            events.append((
                next(positions), "jicai.feedback.v1", stream, version + number, _SOURCE, event_id,
                type_, night.due, night.due, digest, payload.encode(), data.encode(), ticket[1],
                addressees, addressees,
            ))  # fmt: skip
        at = night.running[0]
        level, bureau = rung["level"], rung["bureau"]
        ticket[13], ticket[17] = bureau, level
        ticket[14] += [
            ["reply_overdue", at, "system", None, None, {}],
            ["supervision_began", at, "system", None, level, {"bureau": bureau}],
        ]
        ticket[15] = {"level_due": night.running}
        streams.append(stream)
        states.append(_encode(ticket))
        levels.append(level)
        bureaus.append(bureau)
    await tx.copy_records_to_table("events", columns=_COLUMNS, records=events)
    await tx.execute(_UPDATE, streams, states, night.level_due, levels, bureaus)
    await tx.execute("SELECT pg_notify('jicai_log', '')")


def _facts(
    night: Night, ticket: list[Any], rung: dict[str, str]
) -> list[tuple[str, str, str, str]]:
    """Both facts: type, the end of the id, the data, and the data in canonical order."""
    addressees = _text(ticket[3])
    names = f'"ticket_id":"{ticket[0]}","hospital_id":"{ticket[1]}","product_id":"{ticket[2]}"'
    whose = f'{names},"addressees":{addressees},"by":"system","at":{night.at}'
    kinds = f'"hospital_level":"{ticket[8]}","product_category":"{ticket[9]}"'
    level, bureau = rung["level"], rung["bureau"]
    first = f'"addressees":{addressees},"at":{night.at}'
    middle = f'"hospital_id":"{ticket[1]}","hospital_level":"{ticket[8]}"'
    kind = f'"product_category":"{ticket[9]}","product_id":"{ticket[2]}"'
    return [
        (
            _OVERDUE,
            "reply-overdue",
            f'{{{whose},{kinds},"reply_due":{night.at}}}',
            f'{{{first},"by":"system",{middle},{kind},"reply_due":{night.at},'
            f'"ticket_id":"{ticket[0]}"}}',
        ),
        (
            _BEGAN,
            "supervision-began",
            f'{{{whose},{kinds},"deadlines":{night.deadlines},"level":"{level}",'
            f'"bureau":"{bureau}"}}',
            f'{{{first},"bureau":"{bureau}","by":"system","deadlines":{night.sorted_deadlines},'
            f'{middle},"level":"{level}",{kind},"ticket_id":"{ticket[0]}"}}',
        ),
    ]

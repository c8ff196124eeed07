"""Two toy services: one notes numbers and has deadlines, one hears them and closes days.

They go down the very road of the real ones. What a note's fact says depends on the timers that
fired before it, so a log shows whether anybody slept; what the hearer counts does not forgive a
repetition, so its tally shows a fact taken twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from fastapi import APIRouter

from shared.events.envelope import Record
from shared.events.topics import DELIVERIES, FEEDBACK, ORDERS
from shared.kernel.clock import utc_text
from shared.kernel.decider import Decided, Decider, Sent
from shared.kernel.errors import Refusal
from shared.runtime.handling import Kit
from shared.runtime.service import Service
from shared.runtime.time import Time
from shared.store.log import StreamColumns
from shared.testing.postgres import MONDAY

NOTED: Final = "toy.noted.v1"
FIRED: Final = "toy.fired.v1"
POISON: Final = -666
"""A number that makes the rules break, as a bug would."""


class Note(msgspec.Struct, frozen=True):
    """Note a number; perhaps be woken at `due`, and so many times more, one `every` apart."""

    number: int
    topic: str
    due: datetime | None = None
    every: timedelta = timedelta(hours=5)
    times: int = 0


class Noted(msgspec.Struct, frozen=True, omit_defaults=True):
    """A number, how many timers had fired before it, and the timer it sets."""

    name: str
    topic: str
    number: int
    after: int
    due: datetime | None = None
    every: timedelta = timedelta(hours=5)
    times: int = 0


class Fired(msgspec.Struct, frozen=True):
    """The so-manieth timer."""

    count: int


class Toy(msgspec.Struct, array_like=True):
    """One stream of notes."""

    name: str
    topic: str
    total: int = 0
    fired: int = 0
    due: datetime | None = None
    every: timedelta = timedelta(hours=5)
    left: int = 0


def a_note(
    stream: str,
    event_id: str,
    number: int = 1,
    *,
    topic: str = ORDERS,
    due: datetime | None = None,
    every: timedelta = timedelta(hours=5),
    times: int = 0,
    at: datetime = MONDAY,
    source: str = "urn:jicai:toy",
) -> Sent:
    """A note as a door would hand it on."""
    payload = msgspec.json.encode(
        {
            "specversion": "1.0", "id": event_id, "source": source, "type": NOTED,
            "time": utc_text(at), "data": {"stream": stream, "number": number},
        }
    )  # fmt: skip
    return Sent(
        stream=stream,
        source=source,
        event_id=event_id,
        type=NOTED,
        occurred_at=at,
        sha256=hashlib.sha256(payload).digest(),
        payload=payload,
        command=Note(number, topic, due, every, times),
        role="hospital",
        organisation="toy",
    )


def _authorise(_toy: Toy | None, _sent: Sent, _world: None) -> None:
    """Anybody may note anything."""


def _decide(toy: Toy | None, sent: Sent, now: datetime, _world: None) -> Decided:
    note: Note = sent.command
    if note.number == POISON:
        raise RuntimeError("the rules have a bug")
    if note.number < 0:
        raise Refusal("negative", "不能为负", "negative")
    after = 0 if toy is None else toy.fired
    # A timer is never set before the instant it is set at: on a racing clock the wish may be stale.
    due = None if note.due is None else max(note.due, now)
    fact = Noted(sent.stream, note.topic, note.number, after, due, note.every, note.times)
    return Decided(topic=note.topic, type=NOTED, fact=fact, at=now, sent=sent)


def _evolve(toy: Toy | None, type_: str, fact: Any) -> Toy:
    toy = toy or Toy(fact.name, fact.topic)
    if type_ == FIRED:
        toy.fired = fact.count
        toy.due = None if toy.left == 0 or toy.due is None else toy.due + toy.every
        toy.left = max(toy.left - 1, 0)
        return toy
    toy.total += fact.number
    if fact.due is not None:
        toy.due, toy.every, toy.left = fact.due, fact.every, fact.times
    return toy


def _wake(toy: Toy, at: datetime, _world: None) -> Sequence[Decided]:
    count = toy.fired + 1
    return [
        Decided(
            topic=toy.topic, type=FIRED, fact=Fired(count), at=at,
            event_id=f"fired-{toy.name}-{count}", data={"count": count},
        )
    ]  # fmt: skip


TOY_RULES: Final[Decider[Toy, None]] = Decider(
    authorise=_authorise,
    decide=_decide,
    evolve=_evolve,
    due=lambda toy: toy.due,
    wake=_wake,
    encode=msgspec.json.Encoder().encode,
    decode=msgspec.json.Decoder(Toy).decode,
    columns=lambda _: (),
)


async def _no_world(*_: Any) -> None:
    """The rules of notes stand on nothing else."""


def toy_kit(name: str, time: Time) -> Kit[Toy, None]:
    """The kit of a toy log under the name of a real service."""
    return Kit(name, TOY_RULES, StreamColumns(), _no_world, time)


def noting(name: str = "orders") -> Service:
    """A service that takes notes from outside; its schema is the masonry and nothing else."""
    return Service(
        name=name,
        router=APIRouter(),
        migrations="",
        marks=True,
        kit=lambda _policy, _calendars, time: toy_kit(name, time),
    )


async def hear(tx: Any, records: Sequence[Record], _room: Any) -> None:
    """Note each fact and how often it came, and count them all."""
    await tx.execute(
        """INSERT INTO heard AS h (topic, stream, version, at)
           SELECT topic, stream, version, max(at)
           FROM unnest($1::text[], $2::text[], $3::int[], $4::timestamptz[])
             AS u (topic, stream, version, at)
           GROUP BY topic, stream, version ORDER BY 1, 2, 3
           ON CONFLICT (topic, stream, version) DO UPDATE SET times = h.times + 1""",
        [r.topic for r in records],
        [r.stream for r in records],
        [r.version for r in records],
        [r.recorded_at for r in records],
    )
    await tx.execute("UPDATE tally SET facts = facts + $1", len(records))


async def close(tx: Any, at: datetime, _room: Any) -> bool:
    """Keep what this close stands on: how many facts, and which."""
    await tx.execute(
        """INSERT INTO closed (close_at, facts, sha256)
           SELECT $1, count(*), md5(coalesce(string_agg(
                    topic || stream || '@' || version, ',' ORDER BY topic, stream, version), ''))
           FROM heard""",
        at,
    )
    return True


def hearing(topics: Sequence[str] = (ORDERS, DELIVERIES, FEEDBACK)) -> Service:
    """A service that hears notes and closes days."""
    return Service(
        name="alerts",
        router=APIRouter(),
        migrations="shared.testing",
        topics=tuple(topics),
        fold=hear,
        close=close,
    )

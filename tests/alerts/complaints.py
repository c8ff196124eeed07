"""Facts of tickets, valid by default, and what many of them add up to: a plain count, one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import msgspec

from services.alerts.domain.ticket import NOTHING_TOLD, TicketFacts, absorb_told, part_of
from services.alerts.projections.scope import Scope
from shared.events import feedback as t
from shared.events.envelope import Cause, Record
from shared.events.topics import FEEDBACK
from shared.kernel.clock import due_day
from shared.kernel.codes import covers, division_of
from tests.alerts.facts import DISTRIBUTOR, HOSPITAL, SENT
from tests.alerts.province import DISTRIBUTORS, LEVELS, MAKERS, PRODUCTS

REPLY_DUE = datetime(2026, 1, 7, 16, tzinfo=SENT.tzinfo)  # 24:00 of Wednesday the 7th
PROMISED = datetime(2026, 1, 12, 2, tzinfo=SENT.tzinfo)
HOUR = timedelta(hours=1)
HOSPITALS = ("H36010200001", "H36010200002", "H36012100001", "H36040300001", "H36000000001")

_TICKET: dict[str, Any] = {
    "ticket_id": f"{HOSPITAL}-T1",
    "hospital_id": HOSPITAL,
    "product_id": "P1",
    "addressees": [DISTRIBUTOR],
    "by": f"hospital:{HOSPITAL}",
    "hospital_level": "primary",
    "product_category": "drug",
}


def opened(at: datetime = SENT, **more: Any) -> t.TicketOpened:
    given: dict[str, Any] = {
        "at": at,
        "category": "short_supply",
        "description": "缺货",
        "reply_due": REPLY_DUE,
        "calendar_version": "2026-1",
    }
    return t.TicketOpened(**_TICKET | given | more)


def replied(at: datetime = SENT + HOUR, promised: datetime = PROMISED, **more: Any) -> t.Replied:
    return t.Replied(**_TICKET | {"at": at, "promised_at": promised} | more)


def solved(at: datetime, **more: Any) -> t.Solved:
    return t.Solved(**_TICKET | {"at": at} | more)


def reopened(at: datetime, **more: Any) -> t.Reopened:
    return t.Reopened(**_TICKET | {"at": at} | more)


def moved(due: datetime, name: Any = "reply_due", **more: Any) -> t.DeadlineMoved:
    deadline = t.Deadline(name=name, start=SENT, due_at=due, calendar_version="2")
    given = {"at": SENT, "name": name, "before": REPLY_DUE, "deadlines": [deadline]}
    return t.DeadlineMoved(**_TICKET | given | more)


def closed(at: datetime, **more: Any) -> t.Closed:
    return t.Closed(**_TICKET | {"at": at, "reason": "已约谈"} | more)


def of(hospital: str, number: int, **more: Any) -> dict[str, Any]:
    """The members that tell one hospital's ticket from another's."""
    return {"ticket_id": f"{hospital}-T{number}", "hospital_id": hospital} | more


TYPE_OF = {kind: name for name, kind in t.FACTS.items()}


def told(fact: t.TicketFact, version: int) -> Record:
    """A fact as the bus brings it."""
    return Record(
        topic=FEEDBACK,
        stream=f"ticket-{fact.ticket_id}",
        version=version,
        source=cause(fact.ticket_id, version).source,
        event_id=cause(fact.ticket_id, version).id,
        type=TYPE_OF[type(fact)],
        occurred_at=fact.at,
        recorded_at=fact.at,
        fact=msgspec.json.encode(fact),
    )


def cause(ticket_id: str, version: int) -> Cause:
    return Cause("urn:jicai:platform", f"{ticket_id}-e{version}")


def story(*facts: t.TicketFact) -> list[Record]:
    """One ticket's facts in the order of its stream."""
    return [told(fact, version) for version, fact in enumerate(facts, 1)]


def known(*facts: t.TicketFact) -> TicketFacts:
    """What is known of a ticket whose stream these are."""
    return known_of(story(*facts))


def known_of(records: Iterable[Record]) -> TicketFacts:
    facts = NOTHING_TOLD
    for record in records:
        fact = msgspec.json.decode(record.fact, type=t.FACTS[record.type])
        part = part_of(record.version, Cause(record.source, record.event_id), fact)
        facts = facts if part is None else absorb_told(facts, part)
    return facts


@dataclass(frozen=True)
class Complaint:
    """One ticket as the plain count sees it."""

    ticket_id: str
    product: str
    hospital: str
    addressees: Sequence[str]
    level: str | None
    category: str | None
    due: datetime
    hit: bool


def some_tickets(random: Random, count: int) -> list[Record]:
    """The facts of so many random tickets, each stream in its order."""
    return [record for n in range(count) for record in story(*_life(random, n))]


def _life(random: Random, n: int) -> list[t.TicketFact]:
    at = SENT + timedelta(hours=random.randrange(80 * 24))
    hospital = random.choice(HOSPITALS)
    same = of(
        hospital,
        n,
        product_id=random.choice(PRODUCTS),
        addressees=random.sample(DISTRIBUTORS + MAKERS, random.randint(1, 3)),
        hospital_level=random.choice(LEVELS),
        product_category=random.choice(("drug", "consumable")),
    )
    due = at + timedelta(days=2)
    facts: list[t.TicketFact] = [opened(at, reply_due=due, **same)]
    if random.random() < 0.2:
        due += timedelta(days=random.choice((-1, 1, 2)))
        facts.append(moved(due, **same))
    if random.random() < 0.6:
        at += timedelta(hours=random.randrange(72))
        facts.append(replied(at, at + timedelta(hours=random.randrange(1, 120)), **same))
    for _ in range(random.choice((0, 1, 1, 2))):
        at += timedelta(hours=random.randrange(96))
        facts.append(solved(at, **same))
        if random.random() < 0.4:
            at += HOUR
            facts.append(reopened(at, **same))
    if random.random() < 0.2:
        facts.append(closed(at, **same))
    return facts


def complaints_of(records: Iterable[Record]) -> list[Complaint]:
    """Every ticket of these records, judged by its facts one after another."""
    streams: dict[str, dict[int, t.TicketFact]] = {}
    for record in records:
        fact = msgspec.json.decode(record.fact, type=t.FACTS[record.type])
        streams.setdefault(fact.ticket_id, {})[record.version] = fact
    return [
        _judged([facts[version] for version in sorted(facts)])
        for _, facts in sorted(streams.items())
        if any(isinstance(fact, t.TicketOpened) for fact in facts.values())
    ]


def _judged(facts: Sequence[t.TicketFact]) -> Complaint:
    due, promised, stands = REPLY_DUE, None, None
    replies = [fact for fact in facts if isinstance(fact, t.Replied)]
    for fact in facts:
        match fact:
            case t.TicketOpened():
                due = fact.reply_due
            case t.DeadlineMoved(name="reply_due"):
                due = fact.deadlines[0].due_at
            case t.Solved():
                stands = fact.at
            case t.Reopened():
                stands = None
    if replies and replies[0].at <= due:
        promised = replies[0].promised_at
    judged_at = promised or due
    first = facts[0]
    return Complaint(
        first.ticket_id,
        first.product_id,
        first.hospital_id,
        first.addressees,
        first.hospital_level,
        first.product_category,
        judged_at,
        stands is not None and stands <= judged_at,
    )


def counted(
    complaints: Iterable[Complaint], scope: Scope, first: date, last: date
) -> dict[str, bool]:
    """The tickets that a scope counts in these days, and which are hits."""
    return {
        one.ticket_id: one.hit
        for one in complaints
        if first <= due_day(one.due) <= last
        and (scope.subject != "product" or scope.id == one.product)
        and (scope.subject in ("product", "total") or scope.id in one.addressees)
        and (scope.category is None or scope.category == one.category)
        and (scope.level is None or scope.level == one.level)
        and (scope.division is None or covers(scope.division, division_of(one.hospital)))
    }

"""What is known of one order line (订单明细的已知事实), whatever order it was heard in.

A line's facts are a value: `absorb` takes one more part of it, and any permutation or repetition of
the same parts gives the same value and the same bytes. Of acts that can happen once the lowest
stream version stands, of dues and deliveries the highest: the stream's own order, not ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from shared.events.envelope import Cause
from shared.events.orders import (
    Answered,
    Cancelled,
    DeliveryFact,
    DueMoved,
    LineVoided,
    OrderFact,
    Placed,
)


class Terms(msgspec.Struct, frozen=True, array_like=True):
    """What was ordered and until when (订购数量与时限).

    `in_time` = the order was recorded before its answer was due, so that somebody could answer.
    """

    version: int
    cause: Cause
    answer_due: datetime
    delivery_due: datetime
    quantity: int
    back_entered: bool
    has_agreement: bool
    sent: datetime
    in_time: bool


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """What the distributor answered (响应)."""

    version: int
    cause: Cause
    at: datetime
    accepted: bool
    reason: str | None
    listing_suspended: bool


class Cancel(msgspec.Struct, frozen=True, array_like=True):
    """When the hospital withdrew the line (撤销)."""

    version: int
    cause: Cause
    at: datetime


class Void(msgspec.Struct, frozen=True, array_like=True):
    """When the line became void by itself (超期作废)."""

    version: int
    cause: Cause
    at: datetime


class Due(msgspec.Struct, frozen=True, array_like=True):
    """A delivery due that a calendar change moved (到货时限调整)."""

    version: int
    cause: Cause
    delivery_due: datetime


class Step(msgspec.Struct, frozen=True, array_like=True):
    """How a delivery stands for the line after one fact about it (配送环节)."""

    version: int
    cause: Cause
    arrival: datetime | None
    dispatched: int
    arrives: int
    accepted: int


class Shipment(msgspec.Struct, frozen=True, array_like=True):
    """One delivery's share in the line, step by step: the last step is how it stands (配送)."""

    delivery_id: str
    steps: tuple[Step, ...]

    @property
    def now(self) -> Step:
        """How it stands after everything known (现状)."""
        return self.steps[-1]


class LineFacts(msgspec.Struct, frozen=True, array_like=True):
    """Everything a figure may need of one line; `terms` is missing while the order is (明细事实)."""

    terms: Terms | None = None
    answer: Answer | None = None
    cancel: Cancel | None = None
    void: Void | None = None
    due: Due | None = None
    shipments: tuple[Shipment, ...] = ()


Part = Terms | Answer | Cancel | Void | Due | Shipment

NOTHING_KNOWN = LineFacts()

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(LineFacts)


def to_bytes(facts: LineFacts) -> bytes:
    """The stored form of a line's facts: MessagePack, a third smaller than JSON (存储形式)."""
    return _encoder.encode(facts)


def from_bytes(stored: bytes) -> LineFacts:
    """A line's facts from their stored form (读取)."""
    return _decoder.decode(stored)


def parts_of(
    version: int, cause: Cause, fact: OrderFact, recorded_at: datetime
) -> Iterator[tuple[str, Part]]:
    """What one fact says about each line it names; facts that decide no figure say nothing (拆分)."""
    match fact:
        case Placed():
            for line in fact.lines:
                yield (
                    line.line_id,
                    Terms(
                        version,
                        cause,
                        fact.answer_due,
                        line.delivery_due,
                        line.quantity,
                        fact.back_entered,
                        line.agreement_id is not None,
                        fact.at,
                        recorded_at < fact.answer_due,
                    ),
                )
        case DeliveryFact():
            yield from _shipments(version, cause, fact)
        case Answered():
            for row in fact.lines:
                yield (
                    row.line_id,
                    Answer(
                        version,
                        cause,
                        fact.at,
                        row.accepted,
                        row.reason_code,
                        row.listing_suspended,
                    ),
                )
        case Cancelled():
            cancel = Cancel(version, cause, fact.at)
            yield from ((line_id, cancel) for line_id in fact.line_ids)
        case LineVoided():
            void = Void(version, cause, fact.at)
            yield from ((line_id, void) for line_id in fact.line_ids)
        case DueMoved():
            for moved in fact.lines:
                yield moved.line_id, Due(version, cause, moved.delivery_due)


def absorb(facts: LineFacts, part: Part) -> LineFacts:
    """The facts with one more part; the same object when it says nothing new (折叠)."""
    terms, answer, cancel = facts.terms, facts.answer, facts.cancel
    void, due, shipments = facts.void, facts.due, facts.shipments
    match part:
        case Terms() if terms is None or part.version < terms.version:
            terms = part
        case Shipment():
            merged = _with_shipment(shipments, part)
            if merged is shipments:
                return facts
            shipments = merged
        case Answer() if answer is None or part.version < answer.version:
            answer = part
        case Cancel() if cancel is None or part.version < cancel.version:
            cancel = part
        case Void() if void is None or part.version < void.version:
            void = part
        case Due() if due is None or part.version > due.version:
            due = part
        case _:
            return facts
    return LineFacts(terms, answer, cancel, void, due, shipments)


def _shipments(version: int, cause: Cause, fact: DeliveryFact) -> Iterator[tuple[str, Part]]:
    for row in fact.lines:
        step = Step(version, cause, fact.arrival, row.dispatched, row.arrives, row.accepted)
        yield row.line_id, Shipment(fact.delivery_id, (step,))


def _with_shipment(known: tuple[Shipment, ...], new: Shipment) -> tuple[Shipment, ...]:
    """The deliveries by id; the same tuple when nothing is new."""
    for place, old in enumerate(known):
        if old.delivery_id == new.delivery_id:
            steps = _with_step(old.steps, new.now)
            if steps is old.steps:
                return known
            return (*known[:place], Shipment(old.delivery_id, steps), *known[place + 1 :])
    return tuple(sorted((*known, new), key=_by_delivery))


def _with_step(known: tuple[Step, ...], new: Step) -> tuple[Step, ...]:
    """The steps by version; the same tuple when nothing is new."""
    if new.version > known[-1].version:  # told in order, as nearly all are
        return (*known, new)
    if any(step.version == new.version for step in known):
        return known
    return tuple(sorted((*known, new), key=_by_version))


def _by_delivery(shipment: Shipment) -> str:
    return shipment.delivery_id


def _by_version(step: Step) -> int:
    return step.version

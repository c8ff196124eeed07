"""What is known of one ticket (反馈工单的已知事实), whatever order it was heard in.

As with lines, `absorb` takes one more part, and any permutation or repetition of the same parts gives
the same value. Of what happens once the lowest stream version stands, of what may happen again the
highest.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from shared.events.envelope import Cause
from shared.events.feedback import (
    DeadlineMoved,
    Reopened,
    Replied,
    Solved,
    TicketFact,
    TicketOpened,
)


class Opening(msgspec.Struct, frozen=True, array_like=True):
    """What was reported, and until when a reply is due (提交反馈)."""

    version: int
    cause: Cause
    at: datetime
    reply_due: datetime
    category: str


class Reply(msgspec.Struct, frozen=True, array_like=True):
    """The accepted reply with its promise (回复并承诺)."""

    version: int
    cause: Cause
    at: datetime
    promised_at: datetime


class Move(msgspec.Struct, frozen=True, array_like=True):
    """A reply due that a calendar change moved (回复时限调整)."""

    version: int
    cause: Cause
    reply_due: datetime


class Solution(msgspec.Struct, frozen=True, array_like=True):
    """An addressee said that it is solved (已解决)."""

    version: int
    cause: Cause
    at: datetime


class Reopening(msgspec.Struct, frozen=True, array_like=True):
    """The hospital said that it is not (重新打开)."""

    version: int
    cause: Cause


class TicketFacts(msgspec.Struct, frozen=True, array_like=True):
    """Everything that a figure may need of one ticket (工单事实)."""

    opening: Opening | None = None
    reply: Reply | None = None
    move: Move | None = None
    solution: Solution | None = None
    reopening: Reopening | None = None


TicketPart = Opening | Reply | Move | Solution | Reopening

NOTHING_TOLD: Final = TicketFacts()

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(TicketFacts)


def ticket_to_bytes(facts: TicketFacts) -> bytes:
    """The stored form of a ticket's facts (存储形式)."""
    return _encoder.encode(facts)


def ticket_from_bytes(stored: bytes) -> TicketFacts:
    """A ticket's facts from their stored form (读取)."""
    return _decoder.decode(stored)


def part_of(version: int, cause: Cause, fact: TicketFact) -> TicketPart | None:
    """What one fact says to a figure; None where it says nothing (拆分)."""
    match fact:
        case TicketOpened():
            return Opening(version, cause, fact.at, fact.reply_due, fact.category)
        case Replied():
            return Reply(version, cause, fact.at, fact.promised_at)
        case DeadlineMoved(name="reply_due"):
            [due] = [one.due_at for one in fact.deadlines if one.name == "reply_due"]
            return Move(version, cause, due)
        case Solved():
            return Solution(version, cause, fact.at)
        case Reopened():
            return Reopening(version, cause)
    return None


def absorb_told(facts: TicketFacts, part: TicketPart) -> TicketFacts:
    """The facts with one more part; the same object when it says nothing new (折叠)."""
    match part:
        case Opening() if facts.opening is None or part.version < facts.opening.version:
            return msgspec.structs.replace(facts, opening=part)
        case Reply() if facts.reply is None or part.version < facts.reply.version:
            return msgspec.structs.replace(facts, reply=part)
        case Move() if facts.move is None or part.version > facts.move.version:
            return msgspec.structs.replace(facts, move=part)
        case Solution() if facts.solution is None or part.version > facts.solution.version:
            return msgspec.structs.replace(facts, solution=part)
        case Reopening() if facts.reopening is None or part.version > facts.reopening.version:
            return msgspec.structs.replace(facts, reopening=part)
    return facts

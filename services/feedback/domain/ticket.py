"""The ticket as its facts leave it (反馈工单状态). Pure: a state follows from facts alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from shared.events import feedback as facts
from shared.kernel.codes import division_of

STATES: Final = ("open", "promised", "solved", "confirmed", "closed")
"""A ticket's states (待回复、已承诺、已解决、已确认、已关闭)."""

LEVELS: Final = ("county", "city", "province")
"""Who supervises, from the first to the last (县级、市级、省级)."""


class Step(msgspec.Struct, array_like=True):
    """One entry of a ticket's history (处理记录); `came_from` and `went_to` are levels."""

    type: str
    at: datetime
    by: str
    came_from: str | None = None
    went_to: str | None = None


class Ticket(msgspec.Struct, array_like=True):
    """One ticket (反馈工单). `bureau` is the territorial one until supervision moves it."""

    ticket_id: str
    hospital_id: str
    product_id: str
    addressees: list[str]
    category: str
    description: str
    order_ids: list[str]
    prominent: bool
    opened_at: datetime
    reply_due: datetime
    calendar_version: str
    provisional: bool
    bureau: str
    history: list[Step]
    state: str = "open"
    supervised: bool = False
    level: str | None = None
    promised_at: datetime | None = None
    solved_at: datetime | None = None
    closed_at: datetime | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Ticket).decode


def encode(ticket: Ticket) -> bytes:
    """The state as it is stored with its stream."""
    return _encode(ticket)


def decode(raw: bytes) -> Ticket:
    """The state as it was stored."""
    return _decode(raw)


def evolve(ticket: Ticket | None, type_: str, fact: Any) -> Ticket:
    """The ticket with one more fact in it."""
    if type_ == facts.TICKET_OPENED:
        return _opened(fact)
    raise ValueError(f"{type_} is no fact of a ticket")


def _opened(fact: facts.TicketOpened) -> Ticket:
    return Ticket(
        ticket_id=fact.ticket_id,
        hospital_id=fact.hospital_id,
        product_id=fact.product_id,
        addressees=fact.addressees,
        category=fact.category,
        description=fact.description,
        order_ids=fact.order_ids,
        prominent=fact.prominent,
        opened_at=fact.at,
        reply_due=fact.reply_due,
        calendar_version=fact.calendar_version,
        provisional=fact.provisional,
        bureau=division_of(fact.hospital_id),
        history=[Step("opened", fact.at, fact.by)],
    )


def columns(ticket: Ticket) -> tuple[Any, ...]:
    """What lists ask for, beside the state."""
    return (
        ticket.hospital_id,
        " ".join(ticket.addressees),
        ticket.state,
        ticket.level,
        ticket.bureau,
    )

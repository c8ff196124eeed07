"""How a decision about a ticket becomes a fact of its stream (事实登记)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.feedback.domain.ticket import Ticket
from shared.events.feedback import TicketFact
from shared.events.topics import FEEDBACK
from shared.kernel.decider import Decided, Sent

SYSTEM = "system"
"""Who did what happened by itself (系统)."""


def naming(ticket: Ticket, by: str, at: datetime) -> dict[str, Any]:
    """What every fact says of its ticket."""
    return {
        "ticket_id": ticket.ticket_id,
        "hospital_id": ticket.hospital_id,
        "product_id": ticket.product_id,
        "addressees": ticket.addressees,
        "hospital_level": ticket.hospital_level,
        "product_category": ticket.product_category,
        "by": by,
        "at": at,
    }


def said(type_: str, fact: TicketFact, sent: Sent, *, also: Sequence[Decided] = ()) -> Decided:
    """Somebody's act, and what follows from it at once."""
    return _decided(type_, fact, sent=sent, also=also)


def happened(type_: str, fact: TicketFact, event_id: str) -> Decided:
    """What happens by itself, under an id of the platform's own: each happens once."""
    return _decided(type_, fact, event_id=event_id, data=fact)


def _decided(type_: str, fact: TicketFact, **how: Any) -> Decided:
    # An addressee may be a distributor, a manufacturer or both: it is found under either name.
    addressees = " ".join(fact.addressees)
    return Decided(
        topic=FEEDBACK,
        type=type_,
        fact=fact,
        at=fact.at,
        hospital_id=fact.hospital_id,
        distributor_id=addressees,
        manufacturers=addressees,
        **how,
    )

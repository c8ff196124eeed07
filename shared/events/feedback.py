"""Facts about tickets (反馈工单的事实)."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.events.forms import Instant

TICKET_OPENED: Final = "jicai.ticket.opened.v1"


class TicketOpened(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A hospital reported a problem (反馈问题); `by` is the actor who did."""

    ticket_id: str
    hospital_id: str
    product_id: str
    addressees: list[str]
    category: str
    description: str
    order_ids: list[str] = []
    prominent: bool = False
    by: str
    at: Instant
    reply_due: Instant
    calendar_version: str
    provisional: bool = False


FACTS: Final[dict[str, type[msgspec.Struct]]] = {TICKET_OPENED: TicketOpened}
"""How the fact of each type reads."""

"""What may be asked of a ticket (反馈工单)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTicket:
    """A hospital reports a problem (反馈问题). `by` is the actor who does, as the history names it."""

    ticket_id: str
    hospital_id: str
    product_id: str
    addressees: tuple[str, ...]
    category: str
    description: str
    order_ids: tuple[str, ...]
    prominent: bool
    by: str

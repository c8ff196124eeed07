"""Tickets as documents (工单视图): the members the contract names, and what explains them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.feedback.domain.passing import due
from services.feedback.domain.ticket import Step, Ticket
from shared.kernel.clock import local_text
from shared.kernel.codes import subtree_prefix
from shared.runtime.actors import Actor


def may_see(actor: Actor, ticket: Ticket) -> bool:
    """Whether this caller may see the ticket at all (contract, section 2)."""
    if actor.sees_everything or actor.role == "finance":
        return True
    match actor.role:
        case "hospital":
            return ticket.hospital_id == actor.organisation
        case "distributor" | "manufacturer":
            return actor.organisation in ticket.addressees
        case "bureau":
            return ticket.hospital_id.startswith(f"H{subtree_prefix(actor.organisation)}")
    return False


def ticket_document(ticket: Ticket) -> dict[str, Any]:
    """One ticket with its history."""
    return {
        "ticket_id": ticket.ticket_id,
        "state": ticket.state,
        "supervised": ticket.supervised,
        "level": ticket.level,
        "bureau": ticket.bureau,
        "hospital_id": ticket.hospital_id,
        "product_id": ticket.product_id,
        "addressees": ticket.addressees,
        "category": ticket.category,
        "prominent": ticket.prominent,
        "description": ticket.description,
        "order_ids": ticket.order_ids,
        "copied_to": ticket.ladder[0].bureau,
        "ladder": [{"level": rung.level, "bureau": rung.bureau} for rung in ticket.ladder],
        "reply_due": local_text(ticket.reply_due.due_at),
        "provisional": ticket.reply_due.provisional,
        "calendar_version": ticket.reply_due.calendar_version,
        "next_due": _instant(due(ticket)),
        "promised_at": _instant(ticket.promised_at),
        "solved_at": _instant(ticket.solved_at),
        "opened_at": local_text(ticket.opened_at),
        "closed_at": _instant(ticket.closed_at),
        "history": [_step(step) for step in ticket.history],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "type": step.type,
        "at": local_text(step.at),
        "from": step.came_from,
        "to": step.went_to,
        "by": step.by,
        **step.more,
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else local_text(at)

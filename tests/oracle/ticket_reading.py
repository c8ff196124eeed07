"""A ticket as the outside reads it: `GET .../{id}` and the items of `GET .../{id}/deadlines`."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from tests.oracle.ticket_days import CountedDay
from tests.oracle.ticket_deadlines import Deadline
from tests.oracle.tickets import Step, Ticket


def document(ticket: Ticket) -> dict[str, Any]:
    """The members of a ticket that follow from what happened to it."""
    return {
        "state": ticket.state,
        "supervised": ticket.supervised,
        "level": ticket.level,
        "bureau": ticket.bureau,
        "hospital_id": ticket.hospital_id,
        "addressees": ticket.addressees,
        "prominent": ticket.prominent,
        "promised_at": ticket.promised_at,
        "solved_at": ticket.solved_at,
        "opened_at": ticket.opened_at,
        "closed_at": ticket.closed_at,
        "history": [_step(step) for step in ticket.history],
    }


def unlike(told: list[dict[str, Any]], ticket: Ticket) -> list[Any]:
    """What is told of its deadlines and is not so: each with what the model would tell."""
    pairs = zip_longest(told, ticket.deadlines)
    return [
        (one, None if meant is None else items(meant)[0])
        for one, meant in pairs
        if meant is None or one not in items(meant)
    ]


def items(deadline: Deadline) -> list[dict[str, Any]]:
    """How one deadline may be told: as it was counted last, or by an older count of the same due."""
    counts = [(deadline.version, deadline.days), *deadline.older]
    return [_item(deadline, version, days) for version, days in counts]


def _step(step: Step) -> dict[str, Any]:
    told = {"type": step.type, "at": step.at, "from": step.came, "to": step.went, "by": step.by}
    return {**told, "late": True} if step.late else told


def _item(deadline: Deadline, version: str, days: list[CountedDay]) -> dict[str, Any]:
    return {
        "name": deadline.name,
        "from": deadline.start,
        "due_at": deadline.due_at,
        "state": deadline.state,
        "provisional": deadline.provisional,
        "calendar_version": version or None,
        "days": [
            {"date": one.day.isoformat(), "counted": one.counted, "reason": one.reason}
            for one in days
        ],
    }

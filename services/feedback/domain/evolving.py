"""How a ticket follows from its facts (事实演进). Pure, and the only place where a ticket changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from services.feedback.domain.ticket import Running, Step, Ticket
from shared.events import feedback as facts
from shared.kernel.clock import local_text

_ONE_DAY: Final = timedelta(days=1)


def evolve(ticket: Ticket | None, type_: str, fact: Any) -> Ticket:
    """The ticket with one more fact in it; the deadlines that the fact names run from now on."""
    if ticket is None:
        return _opened(fact)
    _CHANGES[type_](ticket, fact)
    for deadline in fact.deadlines:
        if deadline.name != "promise_limit":  # kept by the reply that began it
            # A reply due without its days runs again: they were told when it began.
            runs_again = deadline.name == "reply_due" and not deadline.days
            ticket.running[deadline.name] = ticket.reply_due if runs_again else _begun(deadline)
    return ticket


def _begun(deadline: facts.Deadline) -> Running:
    return Running(
        deadline.start,
        deadline.due_at,
        deadline.days[0].date - _ONE_DAY if deadline.days else None,
        deadline.calendar_version,
        deadline.provisional,
    )


def _opened(fact: facts.TicketOpened) -> Ticket:
    reply_due = _begun(fact.deadlines[0])
    return Ticket(
        ticket_id=fact.ticket_id,
        hospital_id=fact.hospital_id,
        product_id=fact.product_id,
        addressees=fact.addressees,
        category=fact.category,
        description=fact.description,
        order_ids=fact.order_ids,
        prominent=fact.prominent,
        hospital_level=fact.hospital_level,
        product_category=fact.product_category,
        opened_at=fact.at,
        reply_due=reply_due,
        ladder=fact.ladder,
        bureau=fact.ladder[0].bureau,
        history=[Step("opened", fact.at, fact.by, more={"copied_to": fact.ladder[0].bureau})],
        running={"reply_due": reply_due},
    )


def _note(ticket: Ticket, type_: str, fact: facts.TicketFact, **more: Any) -> None:
    ticket.history.append(Step(type_, fact.at, fact.by, more=more))


def _replied(ticket: Ticket, fact: facts.Replied) -> None:
    ticket.running.pop("reply_due", None)
    ticket.state = "promised"
    ticket.replied_at, ticket.promised_at = fact.at, fact.promised_at
    late = {"late": True} if fact.late else {}
    _note(ticket, "replied", fact, promised_at=local_text(fact.promised_at), **late)


def _solved(ticket: Ticket, fact: facts.Solved) -> None:
    ticket.running.clear()
    ticket.state = "solved"
    ticket.solved_at = fact.at
    _note(ticket, "solved", fact)


def _confirmed(ticket: Ticket, fact: facts.Confirmed) -> None:
    ticket.running.clear()
    ticket.state = "confirmed"
    _note(ticket, "confirmed", fact)


def _reopened(ticket: Ticket, fact: facts.Reopened) -> None:
    ticket.running.clear()
    ticket.state = "open" if ticket.replied_at is None else "promised"
    ticket.solved_at = None
    ticket.reopened_under_supervision |= ticket.supervised
    _note(ticket, "reopened", fact)


def _reply_overdue(ticket: Ticket, fact: facts.ReplyOverdue) -> None:
    ticket.running.pop("reply_due", None)
    _note(ticket, "reply_overdue", fact)


def _promise_broken(ticket: Ticket, fact: facts.PromiseBroken) -> None:
    ticket.running.pop("promised", None)
    _note(ticket, "promise_broken", fact)


def _supervision_began(ticket: Ticket, fact: facts.SupervisionBegan) -> None:
    ticket.level, ticket.bureau = fact.level, fact.bureau
    step = Step("supervision_began", fact.at, fact.by, None, fact.level, {"bureau": fact.bureau})
    ticket.history.append(step)


def _escalated(ticket: Ticket, fact: facts.Escalated) -> None:
    ticket.level, ticket.bureau = fact.to_level, fact.bureau
    more = {"bureau": fact.bureau}
    step = Step("escalated", fact.at, fact.by, fact.from_level, fact.to_level, more)
    ticket.history.append(step)


def _province_overdue(ticket: Ticket, fact: facts.ProvinceOverdue) -> None:
    ticket.running.pop("level_due", None)
    ticket.province_was_overdue = True
    _note(ticket, "province_overdue", fact)


def _supervised(ticket: Ticket, fact: facts.Supervised) -> None:
    _note(ticket, "supervised", fact, measure=fact.measure, note=fact.note)


def _closed(ticket: Ticket, fact: facts.Closed) -> None:
    ticket.running.clear()
    ticket.state = "closed"
    ticket.closed_at = fact.at
    _note(ticket, "closed", fact, reason=fact.reason)


def _deadline_moved(ticket: Ticket, fact: facts.DeadlineMoved) -> None:
    if fact.name == "reply_due":
        ticket.reply_due = _begun(fact.deadlines[0])


_CHANGES: Final[dict[str, Callable[[Ticket, Any], None]]] = {
    facts.REPLIED: _replied,
    facts.SOLVED: _solved,
    facts.CONFIRMED: _confirmed,
    facts.REOPENED: _reopened,
    facts.REPLY_OVERDUE: _reply_overdue,
    facts.PROMISE_BROKEN: _promise_broken,
    facts.SUPERVISION_BEGAN: _supervision_began,
    facts.ESCALATED: _escalated,
    facts.PROVINCE_OVERDUE: _province_overdue,
    facts.SUPERVISED: _supervised,
    facts.CLOSED: _closed,
    facts.DEADLINE_MOVED: _deadline_moved,
}

"""`feedback.v1` (section 7), ticket by ticket: how many were solved when they had to be.

Readings
- For a distributor or a manufacturer the tickets addressed to it count, whoever made the product; an
  enterprise that is both has them under both. For a product and for the total each counts once.
- `category` is the register category of the product, not what is wrong with it; `division` and `level`
  are the hospital's. `role` and `batch_id` do not narrow tickets, which have neither.
- A reply at the very instant of the reply due is in time, and so is a `solved` at the very due.
- A ticket that a bureau closed counts like any other, with the due that it had.
- A ticket does not make a subject appear in the list of scorecards: only lines do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from tests.oracle.calendar import due_day
from tests.oracle.complaints import Complaints, Ticket
from tests.oracle.questions import Evidence, Question
from tests.oracle.world import covers


@dataclass(frozen=True)
class Judged:
    """What a ticket says to the rate."""

    due_at: datetime
    hit: bool


def due_of(ticket: Ticket) -> datetime:
    """The promised instant if a reply was accepted by the reply due, else the reply due."""
    reply = ticket.replied()
    if reply and reply.at <= ticket.reply_due:
        assert reply.promised_at is not None
        return reply.promised_at
    return ticket.reply_due


def judged(ticket: Ticket) -> Judged:
    """A hit has a last `solved` that stands and lies at or before the due."""
    due, solved = due_of(ticket), ticket.standing()
    return Judged(due, solved is not None and solved.at <= due)


def about(ticket: Ticket, question: Question) -> bool:
    """Whether the ticket belongs to the subject."""
    if question.subject in ("distributor", "manufacturer"):
        return question.id in ticket.body["addressees"]
    return question.subject == "total" or ticket.product_id == question.id


def let_through(ticket: Ticket, question: Question) -> bool:
    """Whether the filters let the ticket through."""
    return (
        (question.category is None or ticket.category == question.category)
        and (question.division is None or covers(question.division, ticket.division))
        and (question.level is None or ticket.level == question.level)
    )


def counted_tickets(complaints: Complaints, question: Question) -> Iterator[Ticket]:
    """The tickets of a figure, as known."""
    first, last = question.days
    for whole in complaints.tickets.values():
        ticket = whole.known_by(question.known_before)
        if (
            ticket
            and about(ticket, question)
            and let_through(ticket, question)
            and first <= due_day(due_of(ticket)) <= last
        ):
            yield ticket


def ticket_evidence(complaints: Complaints, question: Question) -> list[Evidence]:
    """The counted tickets behind a figure, by id; they add up to it."""
    found = []
    for ticket in counted_tickets(complaints, question):
        told = judged(ticket)
        outcome = "hit" if told.hit else "miss"
        found.append(Evidence(ticket.ticket_id, None, told.due_at, outcome, int(told.hit), 1))
    return sorted(found, key=lambda one: one.order_id)

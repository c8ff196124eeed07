"""Every figure of section 7 from the facts alone, line by line, with the evidence behind it.

Readings
- `rectification` is 0/0: there are no measures yet. `feedback` counts tickets (see `feedback`).
- `response_orders_ytd` looks at selected lines only, whatever `role` says; the other filters and the
  subject narrow its lines before an order is judged.
- "Every subject with a line" counts excused lines too, and lines that a cancellation takes out of
  every denominator; only back-entered lines do not make a subject appear.
- A hospital without `level` matches no level filter; a line of role none matches no batch.
- `known_before` cuts the facts at an instant (what a day close at that instant stands on).
"""

from collections.abc import Iterator
from typing import Any

from tests.oracle.calendar import due_day
from tests.oracle.dues import answer_due
from tests.oracle.feedback import ticket_evidence
from tests.oracle.orders import Orders
from tests.oracle.outcomes import (
    DELIVERY_RATES,
    RESPONSE_RATES,
    Counted,
    counted,
    due_day_of,
    excused,
)
from tests.oracle.questions import Evidence, Question
from tests.oracle.ratios import Rate, score
from tests.oracle.stories import Line, Story, tell
from tests.oracle.world import covers

LINE_RATES = RESPONSE_RATES + DELIVERY_RATES
RATES = (*LINE_RATES, "feedback", "rectification", "response_orders_ytd")


def subject_of(line: Line, kind: str) -> str:
    """Whose figure the line enters."""
    return str(
        {
            "total": "total",
            "distributor": line.placed.data["distributor_id"],
            "manufacturer": line.known["manufacturer_id"],
            "product": line.row["product_id"],
        }[kind]
    )


def selected(line: Line) -> bool:
    """Role main or backup."""
    return line.known["supplier_role"] in ("main", "backup")


def fits(line: Line, question: Question) -> bool:
    """Whether the filters let the line through, the subject's id apart."""
    known = line.known
    return (
        (question.category is None or known["category"] == question.category)
        and (question.division is None or covers(question.division, known["division"]))
        and (question.level is None or known["level"] == question.level)
        and (question.role == "all" or selected(line))
        and (question.batch_id is None or known["batch_id"] == question.batch_id)
    )


def told(model: Orders, question: Question) -> Iterator[tuple[Story, Line]]:
    """Every line that the filters let through, of any subject."""
    for stream in model.streams.values():
        cut = question.known_before
        known = [fact for fact in stream if cut is None or fact.recorded_at < cut]
        if known:
            story = tell(known)
            yield from ((story, line) for line in story.lines.values() if fits(line, question))


def of_subject(model: Orders, question: Question) -> Iterator[tuple[Story, Line]]:
    """The same, of the subject asked for."""
    for story, line in told(model, question):
        if subject_of(line, question.subject) == question.id:
            yield story, line


def evidence(model: Orders, question: Question, rate: str) -> list[Evidence]:
    """The counted lines (or tickets) behind a rate, by id; they add up to it."""
    if rate == "rectification":
        return []
    if rate == "feedback":
        return ticket_evidence(model.complaints, question)
    if rate == "response_orders_ytd":
        return orders_of_the_year(model, question)
    first, last = question.days
    found = []
    for story, line in of_subject(model, question):
        share = counted(story, line, rate)
        if share and first <= due_day_of(line, rate) <= last:
            found.append(item(story, line.line_id, share))
    return sorted(found, key=lambda one: (one.order_id, one.line_id))


def orders_of_the_year(model: Orders, question: Question) -> list[Evidence]:
    """An order is a hit when every selected line that `answered` counts is one."""
    orders: dict[str, list[tuple[Story, Counted]]] = {}
    for story, line in of_subject(model, question):
        share = counted(story, line, "answered") if selected(line) else None
        if share:
            day = due_day(share.due_at)
            if day.year == question.as_of.year and day <= question.as_of:
                orders.setdefault(story.placed.order_id, []).append((story, share))
    found = []
    for shares in orders.values():
        whole = all(share.numerator for _, share in shares)
        story, share = shares[0]
        found.append(item(story, None, Counted(share.due_at, int(whole), 1)))
    return sorted(found, key=lambda one: one.order_id)


def item(story: Story, line_id: str | None, share: Counted) -> Evidence:
    """A counted share as the evidence list shows it."""
    return Evidence(
        story.placed.order_id,
        line_id,
        share.due_at,
        share.outcome,
        share.numerator,
        share.denominator,
    )


def rate_of(model: Orders, question: Question, rate: str) -> Rate:
    """A rate is the sum of its evidence."""
    items = evidence(model, question, rate)
    return Rate(sum(one.numerator for one in items), sum(one.denominator for one in items))


def scorecard(model: Orders, question: Question) -> dict[str, Any]:
    """The figures of one subject as a scorecard item carries them."""
    first, last = question.days
    rates = {name: rate_of(model, question, name) for name in RATES}
    inside = [
        (story, line)
        for story, line in of_subject(model, question)
        if first <= due_day(answer_due(line)) <= last
    ]
    total, lacking = score(rates)
    return {
        "subject": question.subject,
        "id": question.id,
        "window": {"from": first.isoformat(), "to": last.isoformat()},
        "rates": {name: rate.shown() for name, rate in rates.items()},
        "excused": sum(excused(line) for _, line in inside),
        "back_entered": sum(story.back_entered for story, _ in inside),
        "score": total,
        "without_data": lacking,
    }


def subjects(model: Orders, question: Question) -> list[str]:
    """Every id of the kind with a line, not back-entered, due in the window; sorted."""
    first, last = question.days
    return sorted(
        {
            subject_of(line, question.subject)
            for story, line in told(model, question)
            if not story.back_entered
            and any(first <= due_day_of(line, rate) <= last for rate in ("response", "on_time"))
        }
    )

"""Publications (section 7): scorecards and evidence on the facts of one instant, and what changed since.

Readings
- A publication stands on the facts recorded before its instant, with any filter asked of it later.
- A restatement is a changed numerator or denominator; a change of evidence that leaves both alone is
  none. A subject that appears or disappears is restated from or to 0/0.
- The total is a subject of its own (`"total"`, `"total"`).
- What may have caused a change: the facts recorded at the instant or after it which concern a line
  (for orders of the year, any line of an order) whose contribution changed and which enter a rate at
  all. Returns, invoices and voids never do. This is an upper bound; each changed line has one of them.
- For `feedback` likewise: the steps of a changed ticket. The platform names its own facts, so a cause
  is told as the ticket's id and the step's name.
- A restatement about a subject that only tickets speak of is none: only lines make a subject.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

from tests.oracle import facts as kinds
from tests.oracle.facts import Fact
from tests.oracle.figures import RATES, Question, evidence, rate_of, subjects
from tests.oracle.orders import Orders
from tests.oracle.ratios import Rate

KINDS = ("distributor", "manufacturer", "product", "total")
OF_A_RATE = (
    *(kinds.PLACED, kinds.ANSWERED, kinds.CANCELLED),
    *(kinds.DISPATCHED, kinds.ARRIVED, kinds.RECEIVED),
)
Cause = tuple[str, str | None]
Counted = dict[tuple[str, str | None], tuple[int, int]]


@dataclass(frozen=True)
class Publication:
    """A run of scorecards that stands for ever."""

    window: str
    as_of: date
    at: datetime

    def question(self, subject: str = "total", one: str = "total") -> Question:
        """The frozen figure of a subject; `replace` narrows it."""
        return Question(subject, one, self.window, self.as_of, known_before=self.at)


@dataclass(frozen=True)
class Restatement:
    """A published figure that the facts known now no longer give."""

    subject: str
    id: str
    rate: str
    published: Rate
    now: Rate
    may_have_caused: frozenset[Cause]


def restatements(model: Orders, publication: Publication) -> list[Restatement]:
    """Every figure of the run that has changed, by kind, id and rate."""
    found = []
    for kind in KINDS:
        for one in sorted(ids_of(model, publication, kind)):
            asked = publication.question(kind, one)
            for rate in RATES:
                restated = restatement(model, asked, rate)
                if restated:
                    found.append(restated)
    return found


def ids_of(model: Orders, publication: Publication, kind: str) -> set[str]:
    """Every subject of the run as published or as it would be now."""
    if kind == "total":
        return {"total"}
    then = publication.question(kind)
    return set(subjects(model, then)) | set(subjects(model, replace(then, known_before=None)))


def restatement(model: Orders, frozen: Question, rate: str) -> Restatement | None:
    """The change of one figure, if there is one."""
    asked_now = replace(frozen, known_before=None)
    then, now = rate_of(model, frozen, rate), rate_of(model, asked_now, rate)
    if then == now:
        return None
    before, after = counted_lines(model, frozen, rate), counted_lines(model, asked_now, rate)
    changed = {key for key in before | after if before.get(key) != after.get(key)}
    assert frozen.known_before is not None
    tell = steps_of if rate == "feedback" else causes_of
    causes = tell(model, changed, frozen.known_before)
    return Restatement(frozen.subject, frozen.id, rate, then, now, causes)


def counted_lines(model: Orders, question: Question, rate: str) -> Counted:
    """What each line (or order, or ticket) contributes."""
    return {
        (one.order_id, one.line_id): (one.numerator, one.denominator)
        for one in evidence(model, question, rate)
    }


def causes_of(
    model: Orders, changed: set[tuple[str, str | None]], since: datetime
) -> frozenset[Cause]:
    """The facts that reached us since and concern a line whose contribution changed."""
    return frozenset(
        (fact.source, fact.id)
        for order_id, line_id in changed
        for fact in model.streams[order_id]
        if fact.recorded_at >= since
        and fact.type in OF_A_RATE
        and (line_id is None or line_id in lines_of(model, fact))
    )


def steps_of(
    model: Orders, changed: set[tuple[str, str | None]], since: datetime
) -> frozenset[Cause]:
    """The steps taken since of the tickets whose contribution changed."""
    tickets = [model.complaints.tickets[ticket_id] for ticket_id, _ in changed]
    steps = [(one, "open", one.opened_at) for one in tickets]
    steps += [(one, act.name, act.at) for one in tickets for act in one.acts]
    return frozenset(
        (one.ticket_id, name)
        for one, name, at in steps
        if at >= since and name in ("open", "reply", "solved", "reopen")
    )


def lines_of(model: Orders, fact: Fact) -> set[str]:
    """The lines that a fact may concern; those of its delivery for an arrival or a receipt."""
    data, stream = fact.data, model.streams[fact.order_id]
    if fact.type in (kinds.ARRIVED, kinds.RECEIVED):
        sent_out = model.story(fact.order_id).deliveries[data["delivery_id"]].sent_out
        return set(sent_out)
    if fact.type == kinds.CANCELLED and data.get("line_ids") is not None:
        return set(data["line_ids"])
    if fact.type != kinds.CANCELLED and data.get("lines") is not None:
        return {row["line_id"] for row in data["lines"]}
    return {row["line_id"] for row in stream[0].data["lines"]}

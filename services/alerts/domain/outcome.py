"""What one line says to each rate (一条明细对各指标的贡献): the heart of every figure.

A line belongs to the due day of the deadline that a rate judges. The result is a pure function of
the facts known, so the order in which they arrived never matters and no timer is needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

from services.alerts.domain.line import LineFacts, Shipment, Step, Terms
from shared.events.envelope import Cause
from shared.kernel.clock import due_day


class Outcome(NamedTuple):
    """The numbers that figures are sums of; what is not counted is False or 0 (明细结果).

    `accepted` and `answered` are the hits of response and answered over `answer_counted`;
    the quantities are in ten-thousandths of a unit over on_time's lines, each at most `ordered`.
    """

    response_day: date
    delivery_day: date
    back_entered: bool
    excused: bool
    answer_counted: bool
    accepted: bool
    answered: bool
    delivery_counted: bool
    on_time: bool
    on_time_first: bool
    ordered: int
    dispatched: int
    received: int


def outcome(facts: LineFacts) -> Outcome | None:
    """What the line counts for; None while its order has not arrived (明细结果)."""
    terms = facts.terms
    if terms is None:
        return None
    delivery_due = delivery_due_of(facts, terms)
    excused = is_excused(facts, terms)
    left_out = terms.back_entered or excused
    answer_counted = not left_out and not (
        facts.answer is None and _is_cancelled_by(facts, terms.answer_due)
    )
    answered = answer_counted and _is_answered_in_time(facts, terms)
    delivery_counted = not left_out and not _is_cancelled_by(facts, delivery_due)
    on_time = first = False
    ordered = dispatched = received = 0
    if delivery_counted:
        ordered = terms.quantity
        arrived, dispatched, received = _totals(facts.shipments, delivery_due)
        on_time, first = arrived >= ordered, arrived > 0
        dispatched, received = min(ordered, dispatched), min(ordered, received)
    return Outcome(
        due_day(terms.answer_due),
        due_day(delivery_due),
        terms.back_entered,
        excused,
        answer_counted,
        answered and facts.answer is not None and facts.answer.accepted,
        answered,
        delivery_counted,
        on_time,
        first,
        ordered,
        dispatched,
        received,
    )


def delivery_due_of(facts: LineFacts, terms: Terms) -> datetime:
    """The delivery due in force: the last move stands (到货时限)."""
    return terms.delivery_due if facts.due is None else facts.due.delivery_due


def is_excused(facts: LineFacts, terms: Terms) -> bool:
    """Refused in time for an excuse that our own data bear out (经核实的拒绝理由)."""
    answer = facts.answer
    if answer is None or answer.accepted or answer.at > terms.answer_due:
        return False
    match answer.reason:
        case "product_suspended":
            return answer.listing_suspended
        case "no_agreement":
            return not terms.has_agreement
        case "wrong_product" | "hospital_request":
            return facts.cancel is not None
    return False


def due_at(facts: LineFacts, rate: str) -> datetime | None:
    """The deadline that a rate judges on this line (判定时限)."""
    if facts.terms is None:
        return None
    if rate in ("response", "answered"):
        return facts.terms.answer_due
    return delivery_due_of(facts, facts.terms)


def decided_by(facts: LineFacts, rate: str) -> list[Cause]:
    """The events that decide a counted line in one rate: its order first (证据)."""
    terms = facts.terms
    if terms is None:
        return []
    causes = [terms.cause]
    if rate in ("response", "answered"):
        if facts.answer is not None:
            causes.append(facts.answer.cause)
        return causes
    if facts.due is not None:
        causes.append(facts.due.cause)
    shipments = facts.shipments
    if rate == "delivery":
        deciding = [_first(s, "dispatched") for s in shipments if s.now.dispatched]
    elif rate == "receipt":
        deciding = [_first(s, "accepted") for s in shipments if s.now.accepted]
    else:
        deciding = _arrivals(facts, terms, only_first=rate == "on_time_first")
    return causes + [step.cause for step in deciding]


def _arrivals(facts: LineFacts, terms: Terms, *, only_first: bool) -> list[Step]:
    """What showed the arrivals: of a hit those in time, of a miss all (到货证据)."""
    due = delivery_due_of(facts, terms)
    arrived = sorted(
        (s.now.arrival, s.delivery_id, s)
        for s in facts.shipments
        if s.now.arrival is not None and s.now.arrives > 0
    )
    in_time = [s for at, _, s in arrived if at <= due]
    if only_first:
        chosen = [s for _, _, s in arrived[:1]]
    elif sum(s.now.arrives for s in in_time) >= terms.quantity:
        chosen = in_time
    else:
        chosen = [s for _, _, s in arrived]
    return [_first(shipment, "arrival") for shipment in chosen]


def _first(shipment: Shipment, name: str) -> Step:
    """The step from which on a delivery said what it says now (起决定作用的环节)."""
    now = getattr(shipment.now, name)
    return next(step for step in shipment.steps if getattr(step, name) == now)


def _totals(shipments: Iterable[Shipment], due: datetime) -> tuple[int, int, int]:
    """What arrived by the due, and what was dispatched and accepted whenever (各次配送合计)."""
    arrived = dispatched = accepted = 0
    for shipment in shipments:
        now = shipment.now
        dispatched += now.dispatched
        accepted += now.accepted
        if now.arrival is not None and now.arrival <= due:
            arrived += now.arrives
    return arrived, dispatched, accepted


def _is_answered_in_time(facts: LineFacts, terms: Terms) -> bool:
    return facts.answer is not None and facts.answer.at <= terms.answer_due


def _is_cancelled_by(facts: LineFacts, instant: datetime) -> bool:
    return facts.cancel is not None and facts.cancel.at <= instant

"""What changed a published figure (重述原因): the events that came to be known since."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from services.alerts.domain.line import NOTHING_KNOWN, LineFacts, Shipment, Step
from services.alerts.domain.outcome import is_excused
from services.alerts.policy import ORDERS_YTD, RESPONSE_RATES
from shared.events.envelope import Cause


class Figure(NamedTuple):
    """One published figure: a rate of one subject (指标)."""

    subject: str
    id: str
    rate: str


_NO_STEP = Step(0, Cause("", ""), None, 0, 0, 0)


def caused_by(then: LineFacts | None, now: LineFacts, rate: str) -> list[Cause]:
    """The events known now and not then which can decide this line in a rate (重述原因).

    Where the line's contribution to the rate has changed there is at least one. Voids, returns and
    invoices decide none.
    """
    then = then or NOTHING_KNOWN
    known = set(_known(then))
    return [cause for cause in _deciding(then, now, rate) if cause not in known]


def _deciding(then: LineFacts, now: LineFacts, rate: str) -> Iterator[Cause]:
    is_about_answers = rate in RESPONSE_RATES or rate == ORDERS_YTD
    if now.terms is not None:
        yield now.terms.cause
    # An answer decides a delivery only where it makes or ends an excuse.
    if now.answer is not None and (is_about_answers or _excused(then) != _excused(now)):
        yield now.answer.cause
    if now.cancel is not None:
        yield now.cancel.cause
    if is_about_answers:
        return
    if now.due is not None:
        yield now.due.cause
    for shipment in now.shipments:
        yield from (step.cause for step in _turns(shipment, rate))


def _turns(shipment: Shipment, rate: str) -> Iterator[Step]:
    """The steps at which a delivery began to say something else to a rate (转折环节)."""
    before = _NO_STEP
    for step in shipment.steps:
        if _said(step, rate) != _said(before, rate):
            yield step
        before = step


def _said(step: Step, rate: str) -> object:
    match rate:
        case "delivery":
            return step.dispatched
        case "receipt":
            return step.accepted
    return step.arrival, step.arrives


def _excused(facts: LineFacts) -> bool:
    return facts.terms is not None and is_excused(facts, facts.terms)


def _known(facts: LineFacts) -> Iterator[Cause]:
    for part in (facts.terms, facts.answer, facts.cancel, facts.void, facts.due):
        if part is not None:
            yield part.cause
    for shipment in facts.shipments:
        yield from (step.cause for step in shipment.steps)

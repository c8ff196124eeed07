"""Every due of a line, computed once and put on its facts (时限计算). Source: contract, section 7."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from services.orders.domain.order import Line, Order, Receipt
from services.orders.policy import OrderTerms
from shared.events.forms import Level
from shared.kernel.calendar import WorkCalendar
from shared.kernel.clock import local_day


class Urgency(Protocol):
    """What the delivery due depends on besides the line."""

    @property
    def sent_at(self) -> datetime: ...
    @property
    def emergency(self) -> bool: ...
    @property
    def remote(self) -> bool: ...
    @property
    def level(self) -> Level | None: ...
    @property
    def importer(self) -> bool: ...


def delivery_due(
    order: Urgency, required_by: datetime | None, terms: OrderTerms, calendar: WorkCalendar
) -> datetime:
    """The delivery due of one line (配送时限).

    Policy time: emergency 24 clock hours; a remote primary hospital the end of the 5th working day
    after the day of sending, else the 3rd. A `required_by` can only extend it; for an emergency it
    replaces it, but not before 4 hours; an importer's is taken as it is.
    """
    if order.importer and required_by is not None:
        return required_by
    if order.emergency:
        if required_by is None:
            return order.sent_at + terms.emergency
        return max(required_by, order.sent_at + terms.emergency_min)
    workdays = (
        terms.remote_primary_workdays
        if order.remote and order.level == "primary"
        else terms.ordinary_workdays
    )
    due = calendar.deadline(local_day(order.sent_at), workdays)
    return due if required_by is None else max(due, required_by)


def void_at(order: Order, line: Line, void: timedelta) -> datetime:
    """When an undispatched line becomes void by itself (超期作废)."""
    return max(order.sent_at + void, line.delivery_due)


def judged_at(
    occurred_at: datetime, now: datetime, *, importer: bool, late_after: timedelta
) -> tuple[datetime, bool]:
    """When an act in the world is judged, and whether it was reported late (迟报)."""
    if importer or now - occurred_at <= late_after:
        return occurred_at, False
    return now, True


def arrival_by_receipt(
    *,
    event: datetime | None,
    proven: bool,
    receipt: Receipt,
    terms: OrderTerms,
    calendar: WorkCalendar,
) -> datetime:
    """The arrival of a received delivery (到货时刻); `event` is its arrival event as judged.

    The receipt's `arrived_at` counts when it was recorded by the end of the 3rd working day after
    the day of the arrival event, or when no arrival event has proof; else a proven arrival event
    counts; else the earlier of arrival event and receipt.
    """
    if receipt.arrived_at is not None:
        if event is None or not proven:
            return receipt.arrived_at
        grace = calendar.deadline(local_day(event), terms.receipt_grace_workdays)
        if receipt.recorded <= grace:
            return receipt.arrived_at
    if event is None:
        return receipt.at
    return event if proven else min(event, receipt.at)

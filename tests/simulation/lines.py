"""What alerts keeps of lines and tickets (明细与工单折叠): the product's own folds over rows in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from services.alerts.consumer.lines import hear
from services.alerts.consumer.tickets import hear_tickets
from services.alerts.domain.alert import raised_on_tickets, stream_of_alert
from services.alerts.domain.concentration import Opened, completed, first_day
from services.alerts.domain.line import NOTHING_KNOWN, LineFacts, Part, absorb, from_bytes, to_bytes
from services.alerts.domain.ticket import (
    NOTHING_TOLD,
    absorb_told,
    ticket_from_bytes,
    ticket_to_bytes,
)
from services.alerts.domain.waiting import waits
from shared.events.envelope import Record
from shared.kernel.clock import day_start, local_day
from tests.simulation.ground import CROWD_RULE, POLICY
from tests.simulation.tables import Transaction
from tests.simulation.years import keep_year

Absorb = Callable[[LineFacts, Part], LineFacts]
_EVER: Final = datetime.min.replace(tzinfo=UTC)


def fold_alerts(
    tx: Transaction, records: Sequence[Record], *, absorbing: Absorb = absorb, alert: bool = True
) -> None:
    """Take a batch into the rows, and raise what its openings complete."""
    for record in records:
        tx.put("heard", (record.stream, record.version), True)
    keep_year(tx, records)
    _fold_lines(tx, records, absorbing)
    opened = _fold_tickets(tx, records)
    if opened and alert:
        _raise_crowded(tx, opened)


def _fold_lines(tx: Transaction, records: Sequence[Record], absorbing: Absorb) -> None:
    heard = hear(records)
    for key, parts in heard.parts.items():
        stored = tx.get("lines", key)
        before = NOTHING_KNOWN if stored is None else from_bytes(stored)
        facts = before
        for part in parts:
            facts = absorbing(facts, part)
        if facts is before:
            continue
        tx.put("lines", key, to_bytes(facts))
        if waits(facts) and not waits(before):
            tx.put("waiting", key, True)
        elif not waits(facts):
            tx.drop("waiting", key)
    for key, subject in heard.subjects.items():
        tx.put("subjects", key, subject)


def _fold_tickets(tx: Transaction, records: Sequence[Record]) -> dict[str, list[Opened]]:
    heard = hear_tickets(records)
    opened: dict[str, list[Opened]] = {}
    for ticket_id, parts in heard.parts.items():
        stored = tx.get("tickets", ticket_id)
        before = NOTHING_TOLD if stored is None else ticket_from_bytes(stored)
        facts = before
        for part in parts:
            facts = absorb_told(facts, part)
        if facts is before:
            continue
        subject = heard.subjects[ticket_id]
        tx.put("tickets", ticket_id, ticket_to_bytes(facts))
        if facts.opening is not None:
            one = Opened(facts.opening.at, ticket_id, subject.hospital_id, subject.division)
            tx.put("opened", ticket_id, (subject.product_id, one))
            if before.opening is None:
                opened.setdefault(subject.product_id, []).append(one)
    return opened


def _raise_crowded(tx: Transaction, opened: dict[str, list[Opened]]) -> None:
    closed = max((at for at, _ in tx.rows("closes")), default=None)
    since = _EVER if closed is None else day_start(local_day(closed))
    batch = tx.batch(tx.clock)
    for product, ones in sorted(opened.items()):
        fresh = [one for one in ones if one.at >= since]
        until = _alerted_until(tx, product)
        if not fresh or until is None:
            continue
        days = [local_day(one.at) for one in fresh]
        names = {one.ticket_id for one in fresh}
        known = [
            one
            for _, (of, one) in tx.rows("opened")
            if of == product
            and one.ticket_id not in names
            and first_day(CROWD_RULE, min(days)) <= local_day(one.at) <= max(days)
        ]
        crowd = completed(CROWD_RULE, known, fresh, since=max(since, until))
        if crowd is not None:
            decided = raised_on_tickets(
                CROWD_RULE, product, crowd, day=local_day(crowd.at),
                policy_version=POLICY.version, parked=(),
            )  # fmt: skip
            batch.record(stream_of_alert(decided.fact.alert_id), decided)


def _alerted_until(tx: Transaction, product: str) -> datetime | None:
    """Until when it was under such an alert; None while it is, ever if it never was."""
    until = _EVER
    for rule, subject, subject_id, _, cleared_at, *_ in _alerts(tx):
        if (rule, subject, subject_id) == (CROWD_RULE.id, "product", product):
            if cleared_at is None:
                return None
            until = max(until, cleared_at)
    return until


def _alerts(tx: Transaction) -> Sequence[tuple[Any, ...]]:
    return list(tx.journal.columns.values())

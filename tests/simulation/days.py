"""What alerts does at closing instants (日结与清单): the product's decisions over figures summed in Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import NamedTuple

from services.alerts.domain.alert import (
    alert_id_of,
    cleared,
    raised,
    raised_on_tickets,
    stream_of_alert,
)
from services.alerts.domain.closing import Counted, Key, Standing, changes
from services.alerts.domain.concentration import Concentration, Opened, first_day, is_crowd
from services.alerts.domain.crowding import crowd_changes
from services.alerts.domain.late_list import (
    Candidate,
    is_morning,
    issued,
    list_id_of,
    lists_at,
    stream_of_list,
)
from services.alerts.domain.line import from_bytes
from services.alerts.domain.outcome import Outcome, outcome
from services.alerts.domain.rules import AlertStream
from services.alerts.domain.window import parse_window
from services.alerts.policy import WHOLE_PROVINCE
from services.alerts.projections.lines import Subject
from shared.kernel.clock import due_day, local_day
from shared.kernel.rates import Rate
from tests.simulation.ground import CROWD_RULE, POLICY, RATE_RULES
from tests.simulation.tables import Transaction
from tests.simulation.years import calendar_of


class Measured(NamedTuple):
    """A line with its order known: whose it is, and what it counts for."""

    subject: Subject
    counts: Outcome


def close_alerts(tx: Transaction, at: datetime) -> bool:
    """One step of the close of this instant; True when it is done."""
    if is_morning(at):
        _issue_lists(tx, at)
        return True
    if not _settle_crowds(tx, at):
        return False
    _settle_rates(tx, at)
    return True


def measured(tx: Transaction) -> list[Measured]:
    """Every line that is known with its order."""
    found = []
    for key, stored in tx.rows("lines"):
        counts = outcome(from_bytes(stored))
        if counts is not None:
            found.append(Measured(tx.get("subjects", key), counts))
    return found


def rate_of(lines: Iterable[Measured], rate: str, first: date, last: date) -> Rate:
    """One rate of these lines in these days."""
    above = below = 0
    for _, counts in lines:
        day = counts.response_day if rate == "response" else counts.delivery_day
        if first <= day <= last:
            above += counts.accepted if rate == "response" else counts.on_time
            below += counts.answer_counted if rate == "response" else counts.delivery_counted
    return Rate(above, below)


def _settle_crowds(tx: Transaction, at: datetime) -> bool:
    day = due_day(at)
    by_product: dict[str, list[Opened]] = {}
    for _, (product, one) in tx.rows("opened"):
        if first_day(CROWD_RULE, day) <= local_day(one.at) <= day:
            by_product.setdefault(product, []).append(one)
    crowds = {
        product: Concentration(at, sorted(ones))
        for product, ones in by_product.items()
        if is_crowd(CROWD_RULE, ones)
    }
    standing = {key[2]: one for key, one in _standing(tx, at).items() if key[0] == CROWD_RULE.id}
    todo = crowd_changes(crowds, standing, at)
    batch = tx.batch(at)
    for one in todo:
        if one.crowd is not None:
            decided = raised_on_tickets(
                CROWD_RULE, one.product_id, one.crowd, day=day,
                policy_version=POLICY.version, parked=(),
            )  # fmt: skip
            batch.record(stream_of_alert(decided.fact.alert_id), decided)
            continue
        assert one.stream is not None
        state = batch.state_of(one.stream)
        assert isinstance(state, AlertStream)
        batch.record(one.stream, cleared(state.alert, "recovered", at=at, parked=()))
    return not todo


def _settle_rates(tx: Transaction, at: datetime) -> None:
    day = due_day(at)
    window = parse_window("30d", day)
    lines = [line for line in measured(tx) if line.subject.selected]
    figures: dict[Key, Counted] = {}
    for rule in RATE_RULES:
        for (kind, name), group in _grouped(lines).items():
            rate = rate_of(group, rule.rate, window.first, window.last)
            if rate.denominator:
                where = sorted({line.subject.division for line in group})
                figures[rule.id, kind, name] = (rate, where)  # type: ignore[index]
    batch = tx.batch(at)
    for change in changes(RATE_RULES, figures, _standing(tx, at), at):
        alert_id = alert_id_of(
            change.rule.id, change.subject, change.subject_id, WHOLE_PROVINCE, day
        )
        stream = change.stream or stream_of_alert(alert_id)
        state = batch.state_of(stream)
        if change.step == "raise":
            decided = raised(
                change.rule, change.subject, change.subject_id, change.figure[0], at=at,
                divisions=change.figure[1], policy_version=POLICY.version, parked=(),
            )  # fmt: skip
        else:
            assert isinstance(state, AlertStream)
            decided = cleared(state.alert, change.step, at=at, parked=())
        batch.record(stream, decided)


def _grouped(lines: Iterable[Measured]) -> Mapping[tuple[str, str], list[Measured]]:
    groups: dict[tuple[str, str], list[Measured]] = {}
    for line in lines:
        subject = line.subject
        for key in (
            ("product", subject.product_id),
            ("manufacturer", subject.manufacturer_id),
            ("distributor", subject.distributor_id),
        ):
            groups.setdefault(key, []).append(line)
    return groups


def _standing(tx: Transaction, at: datetime) -> dict[Key, Standing]:
    """What is not cleared before this instant; of a subject the one that was raised last."""
    rows = [
        (raised_at, stream, rule, subject, subject_id, cleared_at)
        for stream, columns in tx.journal.columns.items()
        for rule, subject, subject_id, raised_at, cleared_at in (columns[:5],)
        if rule is not None and (cleared_at is None or cleared_at >= at)
    ]
    return {row[2:5]: Standing(row[1], row[0], row[5]) for row in sorted(rows)}


def _issue_lists(tx: Transaction, at: datetime) -> None:
    if not calendar_of(tx).is_workday(local_day(at)):
        return
    candidates = []
    for key, _ in tx.rows("waiting"):
        subject, first = tx.get("subjects", key), tx.get("listed", key)
        candidates.append(
            Candidate(
                *key,
                subject.distributor_id,
                subject.division,
                subject.hospital_id,
                subject.product_id,
                from_bytes(tx.get("lines", key)),
                first is not None and first < at,
            )
        )
    batch = tx.batch(at)
    for addressee, lines in lists_at(candidates, at).items():
        stream = stream_of_list(list_id_of(local_day(at), addressee))
        decided = issued(addressee, lines, at=at, policy_version=POLICY.version, parked=())
        batch.record(stream, decided)
        for line in lines:
            if tx.get("listed", (line.order_id, line.line_id)) is None:
                tx.put("listed", (line.order_id, line.line_id), at)
    for one in candidates:
        if one.listed_before and one.facts.void is not None:
            tx.drop("waiting", one[:2])

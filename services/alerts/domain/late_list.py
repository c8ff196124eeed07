"""Late-response lists (超时未响应清单, A16.2): at 09:00 of a working day, what nobody has answered.

One list for each distributor and territorial bureau. A void takes a line off only after it has been
listed once, so that over a long holiday nothing disappears unseen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

import msgspec

from services.alerts.domain.line import LineFacts, Terms, from_bytes
from services.alerts.domain.waiting import is_late
from services.alerts.policy import LATE_RULE
from shared.events.alerts import (
    LATE_LIST_ISSUED,
    LATE_LIST_RECEIVED,
    LateLine,
    LateListReceived,
    LateResponseList,
)
from shared.events.topics import ALERTS
from shared.kernel.clock import day_start, local_day
from shared.kernel.decider import Decided
from shared.kernel.errors import Refusal

Addressee = tuple[str, str]
"""Distributor and bureau."""


class Candidate(NamedTuple):
    """A line that may have to be listed (待列明细); `listed_before` = by an earlier close."""

    order_id: str
    line_id: str
    distributor_id: str
    bureau: str
    hospital_id: str
    product_id: str
    facts: LineFacts
    listed_before: bool


def candidate_of(row: Mapping[str, Any]) -> Candidate:
    """A line as its row tells of it (读取); the division of its hospital is the bureau's."""
    return Candidate(
        row["order_id"],
        row["line_id"],
        row["distributor_id"],
        row["division"],
        row["hospital_id"],
        row["product_id"],
        from_bytes(row["facts"]),
        row["listed_before"],
    )


def lists_at(candidates: Iterable[Candidate], at: datetime) -> dict[Addressee, list[LateLine]]:
    """What is to be listed at this instant, each list by expiry; nothing expired, no list (清单)."""
    found: dict[Addressee, list[LateLine]] = {}
    for one in candidates:
        terms = one.facts.terms
        if terms is None or not is_late(one.facts, at):
            continue
        if one.listed_before and one.facts.void is not None:
            continue
        found.setdefault((one.distributor_id, one.bureau), []).append(_line(one, terms))
    return {addressee: sorted(found[addressee], key=_by_expiry) for addressee in sorted(found)}


def is_spent(candidate: Candidate) -> bool:
    """A void line that has been listed need not be looked at again (作废且已列)."""
    return candidate.facts.void is not None and candidate.listed_before


def list_id_of(day: date, addressee: Addressee) -> str:
    """The same for the same day and addressee (清单编号)."""
    distributor_id, bureau = addressee
    return f"late-{day:%Y%m%d}-{bureau}-{distributor_id}"


def stream_of_list(list_id: str) -> str:
    """The stream of one list."""
    return f"list-{list_id}"


def is_morning(at: datetime) -> bool:
    """Whether a closing instant is one of 09:00, and not the end of a day (9时)."""
    return at != day_start(local_day(at))


def issued(
    addressee: Addressee,
    lines: list[LateLine],
    *,
    at: datetime,
    policy_version: str,
    parked: Iterable[str],
) -> Decided:
    """The list as a fact, addressed to its distributor and its bureau (发出清单)."""
    day = local_day(at)
    late = LateResponseList(
        list_id=list_id_of(day, addressee),
        day=day,
        issued_at=at,
        distributor_id=addressee[0],
        bureau=addressee[1],
        lines=lines,
        rule=LATE_RULE,
        policy_version=policy_version,
        incomplete=sorted(parked),
    )
    return _decided(LATE_LIST_ISSUED, late, late, at)


def received(late: LateResponseList, by: str, *, at: datetime) -> Decided:
    """The distributor has it; the first receipt stands (签收)."""
    if late.received_at is not None:
        raise Refusal(
            "already_served",
            f"该清单已由 {late.received_by} 签收",
            f"received by {late.received_by} before",
        )
    fact = LateListReceived(
        list_id=late.list_id,
        day=late.day,
        issued_at=late.issued_at,
        distributor_id=late.distributor_id,
        bureau=late.bureau,
        received_at=at,
        by=by,
    )
    return _decided(LATE_LIST_RECEIVED, late, fact, at)


def hospitals_of(late: LateResponseList) -> str:
    """The hospitals that a list names, space-joined (涉及医院)."""
    return " ".join(sorted({line.hospital_id for line in late.lines}))


def _line(one: Candidate, terms: Terms) -> LateLine:
    occurrence: Literal["first", "again"] = "again" if one.listed_before else "first"
    return LateLine(
        order_id=one.order_id,
        line_id=one.line_id,
        hospital_id=one.hospital_id,
        product_id=one.product_id,
        sent_at=terms.sent,
        expired_at=terms.answer_due,
        occurrence=occurrence,
    )


def _by_expiry(line: LateLine) -> tuple[datetime, str, str]:
    return line.expired_at, line.order_id, line.line_id


def _decided(
    type_: str, late: LateResponseList, fact: LateResponseList | LateListReceived, at: datetime
) -> Decided:
    return Decided(
        topic=ALERTS,
        type=type_,
        fact=fact,
        at=at,
        event_id=f"{late.list_id}-{type_.split('.')[2]}",
        data=msgspec.to_builtins(fact),
        hospital_id=hospitals_of(late),
        distributor_id=late.distributor_id,
        divisions=late.bureau,
    )

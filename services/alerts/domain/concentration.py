"""When tickets crowd on one product (集中反馈), and which opening completes the crowd.

The answer depends on the openings in the order of their arrival alone, not on how they were batched:
each is added to what is known, and the first that fills a window of days raises.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from services.alerts.policy import ConcentrationRule
from shared.kernel.clock import local_day


class Opened(NamedTuple):
    """One ticket on a product, as it was opened (反馈)."""

    at: datetime
    ticket_id: str
    hospital_id: str
    division: str


class Concentration(NamedTuple):
    """The tickets that crowd on a product at an instant (集中反馈的工单)."""

    at: datetime
    tickets: Sequence[Opened]

    @property
    def hospitals(self) -> int:
        """From how many hospitals they come."""
        return len({one.hospital_id for one in self.tickets})

    @property
    def divisions(self) -> set[str]:
        """The areas of those hospitals."""
        return {one.division for one in self.tickets}


def first_day(rule: ConcentrationRule, day: date) -> date:
    """The first of the days that a day looks back on, itself included (统计起始日)."""
    return day - timedelta(days=rule.days - 1)


def is_crowd(rule: ConcentrationRule, tickets: Sequence[Opened]) -> bool:
    """Enough tickets, or tickets of enough hospitals (满件数或满医院数)."""
    hospitals = {one.hospital_id for one in tickets}
    return len(tickets) >= rule.tickets or len(hospitals) >= rule.hospitals


def completed(
    rule: ConcentrationRule,
    known: Sequence[Opened],
    arriving: Sequence[Opened],
    *,
    since: datetime,
) -> Concentration | None:
    """The crowd that the first of these openings completes, if any does, at or after an instant.

    It is dated by its own last opening: one that arrives behind a later one may complete that one's.
    """
    standing = sorted(known)
    for one in arriving:
        place = bisect_right(standing, one.at, key=_instant)
        standing.insert(place, one)
        for last in range(place, len(standing)):
            at = standing[last].at
            if at < since:
                continue
            crowd = _window(rule, standing[: last + 1], local_day(at))
            if is_crowd(rule, crowd):
                return Concentration(at, crowd)
    return None


def _window(rule: ConcentrationRule, tickets: Sequence[Opened], day: date) -> Sequence[Opened]:
    first = first_day(rule, day)
    return [one for one in tickets if local_day(one.at) >= first]


def _instant(one: Opened) -> datetime:
    return one.at

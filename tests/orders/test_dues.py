"""The dues of a line to the instant (contract, section 7): at the limit is within it, behind it is not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.orders.domain.dues import arrival_by_receipt, delivery_due, judged_at
from services.orders.domain.order import Receipt
from services.orders.policy import order_terms
from shared.store.calendar_files import shipped_calendar
from shared.store.policy_files import shipped_policy

TERMS = order_terms(shipped_policy())
CALENDAR = shipped_calendar()
HOUR, DAY, INSTANT = timedelta(hours=1), timedelta(days=1), timedelta(microseconds=1)
MONDAY = datetime(2026, 3, 2, 2, tzinfo=UTC)
"""2 March 2026, 10:00 in Beijing; no holiday is near."""
THURSDAY_24 = datetime(2026, 3, 5, 16, tzinfo=UTC)


@dataclass(frozen=True)
class Placed:
    """What a delivery due depends on."""

    sent_at: datetime = MONDAY
    emergency: bool = False
    remote: bool = False
    level: Any = "primary"
    importer: bool = False


@pytest.mark.parametrize(
    ("late_by", "importer", "judged"),
    [
        (24 * HOUR, False, (MONDAY, False)),
        (24 * HOUR + INSTANT, False, (MONDAY + 24 * HOUR + INSTANT, True)),
        (24 * HOUR + INSTANT, True, (MONDAY, False)),  # whoever imports reports history
    ],
)
def test_what_is_reported_a_day_late_is_judged_when_it_happened(
    late_by: timedelta, importer: bool, judged: tuple[datetime, bool]
) -> None:
    now = MONDAY + late_by
    found = judged_at(MONDAY, now, importer=importer, late_after=TERMS.reported_late)
    assert found == judged


@pytest.mark.parametrize(
    ("placed", "required_by", "due"),
    [
        (Placed(), None, THURSDAY_24),
        (Placed(remote=True), None, THURSDAY_24 + 4 * DAY),  # over a weekend
        (Placed(remote=True, level="tertiary"), None, THURSDAY_24),
        (Placed(), THURSDAY_24 - INSTANT, THURSDAY_24),  # it can only extend it
        (Placed(), THURSDAY_24 + INSTANT, THURSDAY_24 + INSTANT),
        (Placed(emergency=True), None, MONDAY + 24 * HOUR),
        (Placed(emergency=True), MONDAY + 4 * HOUR - INSTANT, MONDAY + 4 * HOUR),
        (Placed(emergency=True), MONDAY + 4 * HOUR + INSTANT, MONDAY + 4 * HOUR + INSTANT),
        (Placed(importer=True), MONDAY + HOUR, MONDAY + HOUR),
    ],
)
def test_a_delivery_is_due_by_its_hospital_and_by_what_was_asked(
    placed: Placed, required_by: datetime | None, due: datetime
) -> None:
    assert delivery_due(placed, required_by, TERMS, CALENDAR) == due


def arrived(*, recorded: datetime, proven: bool, said: datetime | None = MONDAY - HOUR) -> datetime:
    """When a delivery arrived whose arrival event is of Monday and whose receipt says otherwise."""
    receipt = Receipt("R", MONDAY + 2 * HOUR, said, recorded, {}, {}, {})
    return arrival_by_receipt(
        event=MONDAY, proven=proven, receipt=receipt, terms=TERMS, calendar=CALENDAR
    )


def test_the_receipts_word_counts_to_the_end_of_the_third_working_day() -> None:
    """Against an arrival that has proof; without proof it counts however late it is recorded."""
    assert arrived(recorded=THURSDAY_24, proven=True) == MONDAY - HOUR
    assert arrived(recorded=THURSDAY_24 + INSTANT, proven=True) == MONDAY
    assert arrived(recorded=THURSDAY_24 + INSTANT, proven=False) == MONDAY - HOUR


def test_a_receipt_that_does_not_say_leaves_it_to_the_event_or_to_whichever_is_earlier() -> None:
    late = MONDAY + 90 * DAY
    assert arrived(recorded=late, proven=True, said=None) == MONDAY
    assert arrived(recorded=late, proven=False, said=None) == MONDAY
    receipt = Receipt("R", MONDAY - HOUR, None, late, {}, {}, {})
    for event, proven, at in [(MONDAY, False, MONDAY - HOUR), (None, False, MONDAY - HOUR)]:
        found = arrival_by_receipt(
            event=event, proven=proven, receipt=receipt, terms=TERMS, calendar=CALENDAR
        )
        assert found == at

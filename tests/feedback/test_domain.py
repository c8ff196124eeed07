"""Opening a ticket, told as sentences: who may, what must be registered, when a reply is due."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import msgspec
import pytest

from services.feedback.domain.rules import TICKETS
from shared.events.feedback import TICKET_OPENED, Deadline, Rung, TicketOpened
from shared.events.topics import FEEDBACK
from shared.kernel.calendar import CountedDay
from shared.kernel.clock import parse_instant
from shared.testing.spec import Happened, given
from tests.feedback.telling_tickets import (
    BY_HOSPITAL,
    CITY_HOSPITAL,
    DISTRIBUTOR,
    HOSPITAL,
    MAKER,
    PROVINCE_HOSPITAL,
    WORLD,
    Story,
    end_of,
    march,
    opening,
    sent,
    world,
)

MONDAY = march(2)
OPENING = opening()

OPENED = TicketOpened(
    ticket_id=f"{HOSPITAL}-T1",
    hospital_id=HOSPITAL,
    product_id="P1",
    addressees=[DISTRIBUTOR, MAKER],
    category="late_delivery",
    description="三次催单未到货",
    order_ids=[f"{HOSPITAL}-1"],
    by=BY_HOSPITAL,
    at=MONDAY,
    hospital_level="tertiary",
    product_category="drug",
    reply_due=end_of(4),
    calendar_version=WORLD.calendar.version,
    ladder=[
        Rung(level="county", bureau="360102"),
        Rung(level="city", bureau="360100"),
        Rung(level="province", bureau="360000"),
    ],
    deadlines=[
        Deadline(
            name="reply_due",
            start=MONDAY,
            due_at=end_of(4),
            calendar_version=WORLD.calendar.version,
            days=[
                CountedDay(date=date(2026, 3, 3), counted=True, reason="workday"),
                CountedDay(date=date(2026, 3, 4), counted=True, reason="workday"),
            ],
        )
    ],
)


def opened_at(text: str) -> TicketOpened:
    """The fact of an opening at this instant."""
    at = parse_instant(text)
    outcome = given(TICKETS).when(sent(OPENING, at=at), at=at, world=WORLD)
    assert outcome.decided is not None
    fact: TicketOpened = outcome.decided.fact
    return fact


def test_a_hospital_opens_a_ticket_and_a_reply_is_due_at_the_end_of_the_second_working_day() -> (
    None
):
    given(TICKETS).when(sent(OPENING, at=MONDAY), at=MONDAY, world=WORLD).then(OPENED)


def test_the_fact_is_found_by_its_hospital_and_by_every_addressee() -> None:
    decided = given(TICKETS).when(sent(OPENING, at=MONDAY), at=MONDAY, world=WORLD).then(OPENED)
    assert decided.topic == FEEDBACK
    assert decided.hospital_id == HOSPITAL
    assert DISTRIBUTOR in (decided.distributor_id or "")
    assert MAKER in (decided.manufacturers or "")
    assert not decided.also


def test_a_holiday_is_no_working_day_and_says_so() -> None:
    # 1 to 3 January 2026 are holidays, 4 January is worked instead: the 2nd working day is the 5th.
    fact = opened_at("2025-12-31T10:00:00+08:00")
    assert fact.reply_due == parse_instant("2026-01-06T00:00:00+08:00")
    [deadline] = fact.deadlines
    assert [(day.date.isoformat(), day.counted) for day in deadline.days] == [
        ("2026-01-01", False), ("2026-01-02", False), ("2026-01-03", False),
        ("2026-01-04", True), ("2026-01-05", True),
    ]  # fmt: skip
    assert deadline.days[3].reason == "make-up workday"


@pytest.mark.parametrize(
    ("at", "due"),
    [
        ("2026-03-02T00:00:00+08:00", "2026-03-05T00:00:00+08:00"),
        ("2026-03-02T23:59:59.999999+08:00", "2026-03-05T00:00:00+08:00"),
        ("2026-03-03T00:00:00+08:00", "2026-03-06T00:00:00+08:00"),
        ("2026-03-02T16:00:00Z", "2026-03-06T00:00:00+08:00"),
    ],
)
def test_a_ticket_opened_at_midnight_belongs_to_the_day_that_begins(at: str, due: str) -> None:
    assert opened_at(at).reply_due == parse_instant(due)


def test_a_due_over_a_year_nobody_has_announced_is_provisional_and_says_so() -> None:
    at = parse_instant("2026-12-31T10:00:00+08:00")
    assert opened_at("2026-12-31T10:00:00+08:00").provisional
    announced = world(WORLD.calendar.with_year(2027, []))
    outcome = given(TICKETS).when(sent(OPENING, at=at), at=at, world=announced)
    assert outcome.decided is not None
    assert not outcome.decided.fact.provisional
    assert not outcome.decided.fact.deadlines[0].provisional
    assert outcome.decided.fact.calendar_version == announced.calendar.version


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"hospital_id": "H36010200002"}, "unknown_hospital", "/hospital_id"),
        ({"product_id": "P2"}, "unknown_product", "/product_id"),
        ({"addressees": (MAKER, "91360000MA00000X15")}, "unknown_distributor", "/addressees/1"),
    ],
)
def test_what_is_not_registered_may_be_on_its_way(
    changes: dict[str, str], code: str, pointer: str
) -> None:
    command = replace(OPENING, **changes)  # type: ignore[arg-type]
    asked = sent(command, by=f"hospital:{command.hospital_id}", at=MONDAY)
    refusal = given(TICKETS).when(asked, at=MONDAY, world=WORLD).then_refused(code, pointer)
    assert refusal.retryable


@pytest.mark.parametrize("by", ["hospital:H36010200002", "bureau:360000", f"bureau:{HOSPITAL}"])
def test_nobody_opens_a_ticket_for_another(by: str) -> None:
    asked = sent(OPENING, by=by, at=MONDAY)
    given(TICKETS).when(asked, at=MONDAY, world=WORLD).then_refused("not_yours")


def test_a_ticket_id_is_used_once() -> None:
    given(TICKETS, Happened(TICKET_OPENED, OPENED)).when(
        sent(OPENING, at=MONDAY), at=MONDAY, world=WORLD
    ).then_refused("conflicting_duplicate", "/ticket_id")


def test_an_open_ticket_stands_at_its_territorial_bureau_unsupervised() -> None:
    ticket = given(TICKETS, Happened(TICKET_OPENED, OPENED)).state
    assert ticket is not None
    assert (ticket.state, ticket.supervised, ticket.level) == ("open", False, None)
    assert ticket.bureau == "360102"
    assert [(step.type, step.at, step.by) for step in ticket.history] == [
        ("opened", MONDAY, BY_HOSPITAL)
    ]


@pytest.mark.parametrize(
    ("hospital", "ladder"),
    [
        (HOSPITAL, [("county", "360102"), ("city", "360100"), ("province", "360000")]),
        (CITY_HOSPITAL, [("city", "360100"), ("province", "360000")]),
        (PROVINCE_HOSPITAL, [("province", "360000")]),
    ],
)
def test_the_ladder_begins_at_the_hospitals_own_division(
    hospital: str, ladder: list[tuple[str, str]]
) -> None:
    ticket = Story().open(MONDAY, hospital).ticket
    assert [(rung.level, rung.bureau) for rung in ticket.ladder] == ladder
    assert ticket.bureau == ladder[0][1]


@pytest.mark.parametrize(
    ("hospital", "hops"),
    [
        (HOSPITAL, [(None, "county"), ("county", "city"), ("city", "province")]),
        (CITY_HOSPITAL, [(None, "city"), ("city", "province")]),
        (PROVINCE_HOSPITAL, [(None, "province")]),
    ],
)
def test_a_prominent_problem_is_at_the_province_at_once_and_every_hop_is_recorded(
    hospital: str, hops: list[tuple[str | None, str]]
) -> None:
    story = Story().open(MONDAY, hospital, prominent=True)
    steps = story.ticket.history[1:]
    assert [(step.came_from, step.went_to) for step in steps] == hops
    assert [step.type for step in steps] == ["supervision_began"] + ["escalated"] * (len(hops) - 1)
    assert {(step.at, step.by) for step in steps} == {(MONDAY, "system")}
    assert story.stands == ("open", "province", "360000")
    # The province's three days begin on the day of the opening; the reply is due all the same.
    assert story.clocks == {"reply_due": end_of(4), "level_due": end_of(5)}


def test_each_consequence_is_a_fact_of_the_platforms_own_that_anybody_can_read() -> None:
    outcome = given(TICKETS).when(sent(opening(prominent=True), at=MONDAY), at=MONDAY, world=WORLD)
    assert outcome.decided is not None
    also = outcome.decided.also
    assert [one.event_id for one in also] == [
        f"{HOSPITAL}-T1-supervision-began",
        f"{HOSPITAL}-T1-escalated-city",
        f"{HOSPITAL}-T1-escalated-province",
    ]
    for one in also:
        assert one.sent is None
        assert one.hospital_id == HOSPITAL
        assert msgspec.to_builtins(one.data) == msgspec.to_builtins(one.fact)

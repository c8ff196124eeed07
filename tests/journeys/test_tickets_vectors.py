"""The golden dates of tickets, through the sandbox: who replies by when, and promises how much.

On the log bus alone: no bus counts days.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.ticket_desk import Desk, Pair, load_days
from tests.oracle.calendar import end_of, start_of
from tests.oracle.ticket_town import D
from tests.oracle.wire import parse_time

Season = dict[date, tuple[date, date]]

pytestmark = pytest.mark.log_bus

VECTORS = json.loads(
    (Path(__file__).resolve().parents[1] / "vectors" / "working_days.json").read_text("utf-8")
)["cases"]
SUPPLIER, SECOND = f"distributor:{D}", timedelta(seconds=1)

# Opened on, reply by, promise at most (of a reply on the last day): worked by hand from the notices.
TABLE = [
    ("2024-09-12", "2024-09-14", "2024-09-24"),
    ("2024-09-13", "2024-09-18", "2024-09-25"),
    ("2024-09-29", "2024-10-08", "2024-10-14"),
    ("2025-01-24", "2025-01-27", "2025-02-10"),
    ("2025-09-26", "2025-09-29", "2025-10-13"),
    ("2026-02-12", "2026-02-14", "2026-02-28"),
    ("2026-02-13", "2026-02-24", "2026-03-02"),
    ("2026-09-18", "2026-09-21", "2026-09-29"),
    ("2026-09-30", "2026-10-09", "2026-10-15"),
]
SEASONS = (TABLE[:4], TABLE[4:7], TABLE[7:])
"""A sandbox each: the close of every day in between would take longer than another start."""


@pytest.fixture(params=SEASONS, ids=lambda season: season[0][0])
def season(request: pytest.FixtureRequest) -> Season:
    """Rows of the table, as days."""
    return {day(row[0]): (day(row[1]), day(row[2])) for row in request.param}


@pytest.fixture
def desk(season: Season) -> Iterator[Desk]:
    """A sandbox on the morning of the season's first ticket."""
    yield from _desk(f"{min(season)}T08:00:00+08:00")


@pytest.fixture
def year_end() -> Iterator[Desk]:
    """A sandbox on the last Wednesday of a year whose next is not announced."""
    yield from _desk("2026-12-30T10:00:00+08:00")


def _desk(now: str) -> Iterator[Desk]:
    running = Desk(now)
    try:
        yield running
    finally:
        running.close()


def day(text: str) -> date:
    return date.fromisoformat(text)


def promise(pair: Pair, promised_at: datetime) -> str | None:
    """Reply; the code of the refusal, or none."""
    body = {"promised_at": promised_at.isoformat()}
    answer = pair.desk.players[SUPPLIER].post(f"{pair.path}/reply", json=body)
    code: str | None = answer.json().get("code")
    return code


def test_reply_dues_and_promise_limits_are_those_of_the_vectors(season: Season, desk: Desk) -> None:
    pairs: list[tuple[Pair, date, date]] = []
    # In the order of time: the tickets are opened in the morning, answered on the last evening.
    for at in sorted({*season, *(reply_by for reply_by, _ in season.values())}):
        if at in season:
            desk.move(start_of(at) + timedelta(hours=10))
            pairs.append((Pair(desk), *season[at]))
            assert pairs[-1][0].deadline("reply_due")["due_at"] == end_of(season[at][0])
        for pair, reply_by, limit in pairs:
            if reply_by == at:
                desk.move(max(desk.now, end_of(at) - SECOND))
                assert promise(pair, end_of(limit) + SECOND) == "promise_too_late"
                assert promise(pair, end_of(limit)) is None
                assert pair.told()["state"] == "promised"
                assert pair.deadline("reply_due")["state"] == "met"
                found = pair.deadline("promise_limit")
                assert (found["due_at"], found["state"]) == (end_of(limit), "met")
                assert found["days"][-1]["date"] == limit.isoformat()
    assert len(pairs) == len(season)


def test_the_table_is_that_of_the_vectors() -> None:
    vectors = {(case["from"], case["workdays"]): case["to"] for case in VECTORS}
    for opened, reply_by, limit in TABLE:
        assert vectors.pop((opened, 2)) == reply_by
        assert vectors.get((reply_by, 5), limit) == limit
    assert {count for _, count in vectors} == {5}


NEW_YEAR = [
    {"date": "2027-01-01", "kind": "holiday", "name": "元旦", "notice": "试验通知"},
    {"date": "2027-01-02", "kind": "holiday", "name": "元旦", "notice": "试验通知"},
    {"date": "2027-01-03", "kind": "workday", "name": "元旦", "notice": "试验通知"},
    {"date": "2027-01-08", "kind": "holiday", "name": "元旦", "notice": "试验通知"},
]


def test_deadlines_into_2027_are_provisional_and_loading_2027_counts_them_again(
    year_end: Desk,
) -> None:
    desk = year_end
    assert desk.year(2027)["status"] == "provisional"
    open_, solved = Pair(desk), Pair(desk)
    post(solved, SUPPLIER, "solved")
    for pair in (open_, solved):
        pair.compare()
    assert due(open_, "reply_due") == (end_of(day("2027-01-04")), True)
    assert due(solved, "confirm_due") == (end_of(day("2027-01-05")), True)
    version = open_.deadline("reply_due")["calendar_version"]

    desk.move(parse_time("2027-01-02T12:00:00+08:00"))
    load_days(desk, [open_, solved], 2027, NEW_YEAR)
    assert desk.year(2027)["status"] == "official"
    # Sunday 3 January is worked, so the reply is due at its 24:00; nothing else is counted anew.
    assert due(open_, "reply_due") == (end_of(day("2027-01-03")), False)
    assert due(solved, "confirm_due") == (end_of(day("2027-01-04")), False)
    assert due(solved, "reply_due") == (end_of(day("2027-01-04")), True)
    assert open_.deadline("reply_due")["calendar_version"] == desk.calendar.version != version
    reasons = [one["reason"] for one in open_.deadline("reply_due")["days"]]
    assert reasons == ["workday", "元旦", "元旦", "make-up workday"]
    for pair in (open_, solved):
        pair.compare()

    desk.move(end_of(day("2027-01-03")) - SECOND)
    assert open_.told()["supervised"] is False
    desk.move(end_of(day("2027-01-03")))
    assert [step["type"] for step in open_.told()["history"]] == [
        "opened", "reply_overdue", "supervision_began",
    ]  # fmt: skip
    # The level began on the 3rd; the 8th is a holiday now, which moves nothing before it.
    assert due(open_, "level_due") == (end_of(day("2027-01-06")), False)
    open_.compare()


def test_what_would_move_before_now_keeps_its_due_and_what_has_passed_stays_so(
    year_end: Desk,
) -> None:
    desk = year_end
    pair = Pair(desk)
    desk.move(parse_time("2027-01-04T09:00:00+08:00"))
    load_days(desk, [pair], 2027, NEW_YEAR)  # would have been due at 24:00 of Sunday the 3rd
    assert due(pair, "reply_due") == (end_of(day("2027-01-04")), True)
    desk.move(end_of(day("2027-01-04")))
    longer = {"kind": "holiday", "name": "元旦", "notice": "试验通知"}
    load_days(desk, [pair], 2027, [{"date": f"2027-01-0{n}", **longer} for n in (4, 5, 6)])
    assert pair.deadline("reply_due")["state"] == "passed"
    assert due(pair, "reply_due")[0] == end_of(day("2027-01-04"))
    pair.compare()


def due(pair: Pair, name: str) -> tuple[datetime, bool]:
    """When, and whether provisionally."""
    found = pair.deadline(name)
    return found["due_at"], found["provisional"]


def post(pair: Pair, actor: str, kind: str, **body: Any) -> None:
    """An act, here and in the model."""
    answer = pair.desk.players[actor].post(f"{pair.path}/{kind}", json=body)
    assert answer.status_code == pair.model.act(pair.desk.now, kind, actor).status == 200

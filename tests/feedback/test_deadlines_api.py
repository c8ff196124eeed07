"""The deadlines of a ticket over HTTP: each day with its reason, moved by years, told in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from shared.testing.sandbox import running_sandbox
from tests.feedback.ward import (
    BY_DISTRIBUTOR,
    BY_HOSPITAL,
    BY_MAKER,
    CITY,
    COUNTY,
    PROVINCE,
    Ward,
)

BEFORE_THE_HOLIDAY = "2026-12-30T10:00:00+08:00"
NEW_YEAR = [
    {"date": "2027-01-01", "kind": "holiday", "name": "元旦", "notice": "国办发明电〔2026〕9号"},
    {"date": "2027-01-02", "kind": "workday", "name": "元旦", "notice": "国办发明电〔2026〕9号"},
]


@pytest.fixture
def ward() -> Iterator[Ward]:
    """A sandbox on a Wednesday, two days before a year that nobody has announced."""
    with running_sandbox(BEFORE_THE_HOLIDAY) as sandbox:
        yield Ward(sandbox)


def deadlines(ward: Ward, ticket_id: str, actor: str = BY_HOSPITAL) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = ward.get(f"/feedback/v1/tickets/{ticket_id}/deadlines", actor)[
        "items"
    ]
    return items


def load(ward: Ward, days: list[dict[str, str]]) -> Any:
    return ward.put("/feedback/v1/calendar/2027", {"days": days})


def test_a_due_over_a_year_nobody_has_announced_says_every_day_and_that_it_is_provisional(
    ward: Ward,
) -> None:
    [item] = deadlines(ward, ward.opened())
    assert item["days"] == [
        {"date": "2026-12-31", "counted": True, "reason": "workday", "reason_zh": "工作日"},
        {"date": "2027-01-01", "counted": False, "reason": "元旦", "reason_zh": "元旦"},
        {"date": "2027-01-02", "counted": False, "reason": "weekend", "reason_zh": "周末"},
        {"date": "2027-01-03", "counted": False, "reason": "weekend", "reason_zh": "周末"},
        {"date": "2027-01-04", "counted": True, "reason": "workday", "reason_zh": "工作日"},
    ]
    assert (item["name"], item["from"], item["due_at"], item["state"], item["provisional"]) == (
        "reply_due", BEFORE_THE_HOLIDAY, "2027-01-05T00:00:00+08:00", "running", True,
    )  # fmt: skip
    assert item["explanation"] == {
        "zh": "回复时限: 自2026年12月31日(周四)起算第2个工作日即2027年1月4日(周一)24时, 其中 "
        "1月1日(元旦)、1月2日(周末)、1月3日(周末) 不计; 进行中. "
        "所涉年度的放假安排尚未公布, 该时限为暂定, 公布后将重新计算.",
        "en": "The reply is due at 24:00 of 2027-01-04, working day 2 counted from 2026-12-31; "
        "not counted: 2027-01-01 (元旦), 2027-01-02 (weekend), 2027-01-03 (weekend); running. "
        "A year on the way is not announced yet: this is provisional and will be counted again.",
    }


def test_a_year_that_is_announced_moves_what_runs_and_keeps_what_it_was(ward: Ward) -> None:
    ticket_id = ward.opened()
    ward.done(BY_DISTRIBUTOR, ticket_id, "reply", promised_at="2027-01-07T10:00:00+08:00")
    other = ward.opened()
    version = load(ward, NEW_YEAR)["version"]
    [item] = deadlines(ward, other)
    assert (item["due_at"], item["provisional"], item["calendar_version"]) == (
        "2027-01-03T00:00:00+08:00", False, version,
    )  # fmt: skip
    assert item["days"][-1] == {
        "date": "2027-01-02", "counted": True, "reason": "make-up workday", "reason_zh": "调休上班",
    }  # fmt: skip
    assert item["moved"] == [{"before": "2027-01-05T00:00:00+08:00", "at": BEFORE_THE_HOLIDAY}]
    # What was met, and what was chosen, stays; the ticket itself shows the due that moved.
    assert [one["moved"] for one in deadlines(ward, ticket_id)] == [[], [], []]
    assert ward.view(other)["reply_due"] == item["due_at"]
    ward.sandbox.move("2027-01-02T23:59:59+08:00")
    assert ward.view(other)["state"] == "open"
    ward.sandbox.move("2027-01-03T00:00:00+08:00")
    assert [step["type"] for step in ward.view(other)["history"]] == [
        "opened", "reply_overdue", "supervision_began",
    ]  # fmt: skip


def test_years_loaded_again_and_back_again_at_one_instant_are_each_recorded(ward: Ward) -> None:
    """In the sandbox time stands still, and the same calendar comes twice."""
    ticket_id = ward.opened()
    for days in (NEW_YEAR, NEW_YEAR[:1], NEW_YEAR, NEW_YEAR[:1], NEW_YEAR[:1]):
        load(ward, days)
    [item] = deadlines(ward, ticket_id)
    assert item["due_at"] == "2027-01-05T00:00:00+08:00"
    assert [move["before"][:10] for move in item["moved"]] == [
        "2027-01-05", "2027-01-03", "2027-01-05", "2027-01-03",
    ]  # fmt: skip
    assert [step["type"] for step in ward.view(ticket_id)["history"]] == ["opened"]


def test_a_ticket_on_its_way_to_the_province_tells_every_level(ward: Ward) -> None:
    load(ward, NEW_YEAR)
    ticket_id = ward.opened()
    ward.sandbox.move("2027-01-10T09:00:00+08:00")
    told = deadlines(ward, ticket_id)
    assert [(item["name"], item["state"], item["due_at"][:10]) for item in told] == [
        ("reply_due", "passed", "2027-01-03"),
        ("level_due", "passed", "2027-01-07"),
        ("level_due", "running", "2027-01-12"),
    ]
    # The second level began at the 24:00 that ended the 6th: the 7th is the first day that counts.
    assert [day["date"][8:] for day in told[2]["days"]] == ["07", "08", "09", "10", "11"]
    assert told[2]["from"] == "2027-01-07T00:00:00+08:00"
    assert told[2]["explanation"]["zh"].startswith(
        "本级督办时限: 自2027年1月7日(周四)起算第3个工作日"
    )
    for actor in (BY_DISTRIBUTOR, BY_MAKER, COUNTY, CITY, PROVINCE, "finance:360100"):
        assert deadlines(ward, ticket_id, actor) == told


def test_who_may_not_see_the_ticket_sees_none_of_its_deadlines(ward: Ward) -> None:
    ticket_id = ward.opened()
    for actor in ("hospital:H36050200009", "bureau:360103", "bureau:360500"):
        for path in (f"{ticket_id}/deadlines", f"{ticket_id}-X/deadlines", "%20/deadlines"):
            answer = ward.client(actor).get(f"/feedback/v1/tickets/{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_promise_has_no_days_and_says_who_chose_it(ward: Ward) -> None:
    ticket_id = ward.replied("2026-12-31T18:30:00+08:00")
    limit, promised = deadlines(ward, ticket_id)[1:]
    assert (limit["name"], limit["state"], limit["provisional"]) == ("promise_limit", "met", True)
    assert len([day for day in limit["days"] if day["counted"]]) == 5
    assert (promised["name"], promised["state"], promised["days"], promised["provisional"]) == (
        "promised", "running", [], False,
    )  # fmt: skip
    assert promised["explanation"]["en"] == (
        "The promised solution is due at 2026-12-31T18:30:00+08:00, as the reply promised; running."
    )

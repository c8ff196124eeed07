"""Tickets that climb, over HTTP and both buses: by working days, through every hand, seen by whom."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from jicai.client import Jicai
from jicai.ticket_tables import show_tickets
from shared.testing.sandbox import running_sandbox
from tests.journeys.climbing import CASES, LEVELS, Case, Climb, climb
from tests.journeys.goods import D2, DISTRIBUTOR, FAR, H2, HOSPITAL, PROVINCE
from tests.journeys.market import Market
from tests.journeys.ticketing import CITY, COUNTY, LADDER, PATH, Tickets, instant

PLAYED_ON = ("log",)
"""`test_tickets_on_the_topic` and `test_tickets_model` play tickets over a broker."""

MONDAY = "2026-01-05T09:00:00+08:00"
STRANGERS = (
    f"hospital:{FAR}", f"hospital:{H2}", "hospital:H36040000001", f"distributor:{D2}",
    "bureau:360735", "bureau:360700", "bureau:360103", "bureau:360400",
)  # fmt: skip
"""Hospitals of other divisions and of the same one, who is not addressed, bureaus of other areas."""


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.name)
def climbed(bus: str, request: pytest.FixtureRequest) -> Iterator[Climb]:
    """A ticket that nobody answers, over a holiday."""
    case: Case = request.param
    with running_sandbox(now=case.opened) as sandbox:
        yield climb(case, Tickets(Market(sandbox)))


@pytest.fixture
def tickets(market: Market) -> Tickets:
    return Tickets(market)


def test_a_ticket_that_nobody_answers_goes_up_at_each_due_and_not_a_microsecond_earlier(
    climbed: Climb,
) -> None:
    assert [one["level"] for one in climbed.before] == [None, *LEVELS]
    assert [one["level"] for one in climbed.after] == [*LEVELS, "province"]
    bureaus = [bureau.partition(":")[2] for _, bureau in LADDER]
    assert [one["bureau"] for one in climbed.after] == [*bureaus, "360000"]
    assert {one["state"] for one in climbed.after} == {"open"}
    assert {one["supervised"] for one in climbed.after} == {True}


def test_every_hop_stands_in_its_history_at_its_own_24_00(climbed: Climb) -> None:
    assert climbed.tickets.history(climbed.left_alone) == climbed.history()


def test_a_measure_is_recorded_and_stops_no_clock(climbed: Climb) -> None:
    history = climbed.tickets.history(climbed.measured)
    measures = [step for step in history if step[0] == "supervised"]
    assert [by for *_, by in measures] == [COUNTY, CITY, PROVINCE, PROVINCE]
    assert [step for step in history if step[0] != "supervised"] == climbed.history()


def test_each_deadline_tells_the_days_it_counted(climbed: Climb) -> None:
    nights = climbed.case.nights_at()
    items = climbed.tickets.deadlines(climbed.left_alone)
    assert [one["name"] for one in items] == ["reply_due", *["level_due"] * 3]
    assert [instant(one["from"]) for one in items] == [instant(climbed.case.opened), *nights[:3]]
    assert [instant(one["due_at"]) for one in items] == nights
    assert {one["state"] for one in items} == {"passed"}
    assert not any(one["provisional"] for one in items)
    told = [
        [{name: day[name] for name in ("date", "counted", "reason")} for day in one["days"]]
        for one in items
    ]
    assert told == climbed.case.day_lists()


def test_every_hop_is_a_fact_of_the_stream_recorded_at_its_instant(climbed: Climb) -> None:
    facts = climbed.tickets.facts(climbed.left_alone)
    assert [fact["type"].split(".")[2] for fact in facts] == [h[0] for h in climbed.history()]
    assert [fact["streamversion"] for fact in facts] == list(range(1, 7))
    instants = [at for _, at, *_ in climbed.history()]
    assert [instant(fact["recordedtime"]) for fact in facts] == instants
    assert [instant(fact["time"]) for fact in facts] == instants
    hops = [(f["data"].get("from"), f["data"].get("to")) for f in facts[3:5]]
    assert hops == [("county", "city"), ("city", "province")]


def test_it_waits_for_the_addressee_and_for_one_bureau_at_a_time(climbed: Climb) -> None:
    bureaus = [COUNTY, CITY, PROVINCE, PROVINCE]
    expected = [{DISTRIBUTOR: "reply"}]
    expected += [{DISTRIBUTOR: "reply", bureau: "supervision"} for bureau in bureaus]
    assert climbed.waited == expected


def test_the_demonstration_shows_how_it_climbed_and_how_a_due_was_counted(climbed: Climb) -> None:
    paper = Console(file=StringIO(), width=120)
    with Jicai(climbed.tickets.market.sandbox.url, PROVINCE) as client:
        show_tickets(client, paper, {"accepted": 6, "promise_too_late": 1})
    shown = paper.file.getvalue()
    hops = [
        shown.index(words) for words in ("启动督办", "县级 → 市级", "市级 → 省级", "省级督办逾期")
    ]
    assert hops == sorted(hops)
    assert "各方操作 7 次, 其中退回: promise_too_late 1" in shown
    # Of all its deadlines the longest one, with every day that did not count.
    longest = max(climbed.case.day_lists(), key=len)
    for day in longest:
        assert day["date"] in shown
    assert shown.count(climbed.case.holiday) >= sum(not day["counted"] for day in longest)


def test_a_prominent_ticket_passes_every_level_at_its_opening(tickets: Tickets) -> None:
    ticket_id = tickets.open("prominent", prominent=True)
    now = instant(tickets.market.now)
    assert tickets.history(ticket_id) == [
        ("opened", now, None, None, HOSPITAL),
        ("supervision_began", now, None, "county", "system"),
        ("escalated", now, "county", "city", "system"),
        ("escalated", now, "city", "province", "system"),
    ]
    view = tickets.view(ticket_id)
    assert (view["level"], view["bureau"], view["supervised"]) == ("province", "360000", True)
    assert [fact["streamversion"] for fact in tickets.facts(ticket_id)] == [1, 2, 3, 4]
    assert tickets.waiting(ticket_id) == {DISTRIBUTOR: "reply", PROVINCE: "supervision"}


def test_each_party_has_on_its_list_what_it_is_to_do(bus: str) -> None:
    """Replied, solved, reopened, promise broken, solved under supervision, confirmed: one life."""
    with running_sandbox(now=MONDAY) as sandbox:
        tickets = Tickets(Market(sandbox))
        ticket_id = tickets.open("life")
        tickets.reply(ticket_id, "2026-01-07T17:00:00+08:00")
        assert tickets.waiting(ticket_id) == {DISTRIBUTOR: "solution"}
        tickets.solved(ticket_id)
        assert tickets.waiting(ticket_id) == {HOSPITAL: "confirmation"}
        sandbox.move("2026-01-06T10:00:00+08:00")
        assert tickets.act(HOSPITAL, ticket_id, "reopen")["state"] == "promised"
        assert tickets.waiting(ticket_id) == {DISTRIBUTOR: "solution"}
        sandbox.move("2026-01-07T17:00:00+08:00")
        supervised = {DISTRIBUTOR: "solution", COUNTY: "supervision"}
        assert tickets.waiting(ticket_id) == supervised
        tickets.measure(COUNTY, ticket_id)
        assert tickets.waiting(ticket_id) == supervised
        tickets.solved(ticket_id)
        assert tickets.waiting(ticket_id) == {HOSPITAL: "confirmation"}
        tickets.act(HOSPITAL, ticket_id, "reopen")
        assert tickets.waiting(ticket_id) == supervised
        tickets.solved(ticket_id)
        confirmed = tickets.act(HOSPITAL, ticket_id, "confirm")
        assert (confirmed["state"], confirmed["level"]) == ("confirmed", "county")
        assert tickets.waiting(ticket_id) == {}
        sandbox.move("2026-02-05T09:00:00+08:00")
        assert tickets.view(ticket_id)["history"] == confirmed["history"]


def test_silence_confirms_at_24_00_of_the_third_working_day(bus: str) -> None:
    """Solved on the eve of a make-up Saturday: Saturday counts, the nine days after it do not."""
    with running_sandbox(now="2026-02-13T09:00:00+08:00") as sandbox:
        tickets = Tickets(Market(sandbox))
        ticket_id = tickets.open("silence")
        tickets.solved(ticket_id)
        sandbox.move("2026-02-25T23:59:59.999999+08:00")
        assert tickets.view(ticket_id)["state"] == "solved"
        sandbox.move("2026-02-26T00:00:00+08:00")
        assert tickets.view(ticket_id)["state"] == "confirmed"
        due = instant("2026-02-26T00:00:00+08:00")
        assert tickets.history(ticket_id)[-1] == ("confirmed", due, None, None, "silence")
        [reply_due, confirm_due] = tickets.deadlines(ticket_id)
        assert (reply_due["state"], confirm_due["state"]) == ("stopped", "passed")
        assert [d["date"] for d in confirm_due["days"] if d["counted"]] == [
            "2026-02-14", "2026-02-24", "2026-02-25",
        ]  # fmt: skip


def test_strangers_neither_see_a_ticket_nor_learn_that_there_is_one(tickets: Tickets) -> None:
    ticket_id = tickets.open("hidden", prominent=True)
    market = tickets.market
    for stranger in STRANGERS:
        client = market[stranger]
        for path in (f"{PATH}/{ticket_id}", f"{PATH}/{ticket_id}/deadlines"):
            assert client.get(path).status_code == 404, (stranger, path)
        for act in ("reply", "solved", "confirm", "reopen", "supervise", "close"):
            assert client.post(f"{PATH}/{ticket_id}/{act}", json={}).status_code == 404, stranger
        assert client.get(PATH, params={"limit": 1000}).json()["items"] == [], stranger
        assert client.get("/feedback/v1/waiting").json()["items"] == [], stranger
        assert tickets.facts(ticket_id, actor=stranger) == [], stranger
    for party in (HOSPITAL, DISTRIBUTOR, COUNTY, CITY, PROVINCE):
        assert tickets.view(ticket_id, party)["ticket_id"] == ticket_id
        assert len(tickets.facts(ticket_id, actor=party)) == 4, party


def test_a_restart_in_the_middle_loses_no_clock_and_repeats_no_hop(
    bus: str, tmp_path: Path
) -> None:
    """It stops between the city and the province; what ran when it stopped runs on."""
    case = CASES[1]
    supervision, city, province, overdue = case.nights_at()
    with running_sandbox(now=case.opened, data=tmp_path / "province") as sandbox:
        tickets = Tickets(Market(sandbox))
        mute, silent = tickets.open("T1"), tickets.open("T2")
        sandbox.move("2026-10-12T09:00:00+08:00")
        tickets.solved(silent)
        sandbox.move(city.isoformat())
        before = [tickets.view(one) for one in (mute, silent)]
        told = tickets.facts(mute, silent)
    with running_sandbox(now="2025-01-01T00:00:00+08:00", data=tmp_path / "province") as sandbox:
        tickets = Tickets(Market(sandbox, fill=False))
        assert [tickets.view(one) for one in (mute, silent)] == before
        assert tickets.facts(mute, silent) == told
        assert tickets.waiting(mute) == {DISTRIBUTOR: "reply", CITY: "supervision"}
        sandbox.move("2026-11-30T09:00:00+08:00")
        assert tickets.history(mute) == [
            ("opened", instant(case.opened), None, None, HOSPITAL),
            ("reply_overdue", supervision, None, None, "system"),
            ("supervision_began", supervision, None, "county", "system"),
            ("escalated", city, "county", "city", "system"),
            ("escalated", province, "city", "province", "system"),
            ("province_overdue", overdue, None, None, "system"),
        ]
        # Solved on Monday the 12th: Thursday is the third working day after it.
        at = instant("2026-10-16T00:00:00+08:00")
        assert tickets.history(silent)[-1] == ("confirmed", at, None, None, "silence")
        assert len(tickets.facts(mute, silent)) == len(told) + 3


def test_one_long_jump_tells_what_many_small_steps_tell(bus: str) -> None:
    """Same facts under the same ids at the same instants, in the same place of their streams."""
    nights = [f"2026-02-{day}T00:00:00+08:00" for day in (13, 15, 16, 20, 25, 26, 27, 28)]
    nights += [f"2026-03-0{day}T00:00:00+08:00" for day in (2, 3, 4, 6, 9)]
    stops = sorted([*nights, "2026-02-13T12:30:00+08:00", "2026-02-26T11:00:00+08:00"])
    assert _lived(stops) == _lived(stops[-1:])


def _lived(stops: list[str]) -> list[tuple[Any, ...]]:
    """Four tickets on one morning, and then the clock alone: every fact in its stream's order."""
    with running_sandbox(now="2026-02-12T09:00:00+08:00") as sandbox:
        tickets = Tickets(Market(sandbox))
        names = [tickets.open(name) for name in ("mute", "broken", "solved")]
        names.append(tickets.open("prominent", prominent=True))
        tickets.reply(names[1], "2026-02-13T12:30:00+08:00")
        tickets.solved(names[2])
        for stop in stops:
            sandbox.move(stop)
        facts = tickets.facts(*names)
        views = [tickets.view(name)["history"] for name in names]
        deadlines = [tickets.deadlines(name) for name in names]
    told = [
        (
            f["data"]["ticket_id"],
            f["streamversion"],
            f["type"],
            _id(f),
            f["recordedtime"],
            f["time"],
        )
        for f in facts
    ]
    assert sum(one[3] is None for one in told) == 2, "the reply and what was solved"
    assert {"province", "silence"} <= {step["to"] or step["by"] for one in views for step in one}
    return [*sorted(told), views, deadlines]


def _id(fact: Any) -> tuple[str, str] | None:
    """What the platform says has an id of its own; an act's is drawn when it is asked for."""
    is_ours = fact["source"] == "urn:jicai:platform" or fact["type"].endswith(".opened.v1")
    return (fact["source"], fact["id"]) if is_ours else None

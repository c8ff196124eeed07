"""The model of a ticket, worked by hand: each sentence of section 9 is a test."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.oracle.ticket_days import statutory_name
from tests.oracle.ticket_parties import bureau_of, level_of
from tests.oracle.ticket_town import (
    CALENDAR,
    CITY,
    COUNTY,
    OPENED,
    OTHER,
    PROVINCIAL,
    REPLY_DUE,
    SECOND,
    D,
    M,
    Tale,
    day,
    hops,
    only,
    opened,
    passed,
    states,
)
from tests.oracle.wire import parse_time

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "working_days.json"
CASES = json.loads(VECTORS.read_text(encoding="utf-8"))["cases"]

HOSPITAL, SUPPLIER = f"hospital:{COUNTY}", f"distributor:{D}"
PROMISED = day(6, 15)


def replied() -> Tale:
    """On Tuesday 3rd a promise for Friday 6th 15:00."""
    return Tale().reply(day(3, 9), PROMISED)


def overdue() -> Tale:
    """Nobody has replied by 24:00 of Wednesday 4th."""
    tale = Tale()
    tale.at(REPLY_DUE)
    return tale


# ── replying and promising ────────────────────────────────────────────────────────────────────────


def test_a_reply_is_due_at_24_of_the_second_working_day_after_the_opening_day() -> None:
    ticket = opened()
    assert states(ticket, "reply_due") == [(OPENED, REPLY_DUE, "running")]
    assert (ticket.state, ticket.supervised, ticket.level) == ("open", False, None)
    assert ticket.bureau == "360102"


def test_a_ticket_opened_at_midnight_belongs_to_the_day_that_begins() -> None:
    assert only(opened(at=day(2)), "reply_due").due_at == REPLY_DUE
    assert only(opened(at=day(2) - SECOND), "reply_due").due_at == day(4)


def test_a_promise_is_limited_by_24_of_the_fifth_working_day_after_the_day_of_the_reply() -> None:
    tale = Tale()
    asked = (day(3, 9), "reply", SUPPLIER)
    late = tale.refused(*asked, promised_at=day(11) + SECOND)
    assert late == (422, "promise_too_late")
    assert tale.refused(*asked, promised_at=None) == (422, "promise_missing")
    assert tale.refused(*asked, promised_at=day(3, 9)) == (422, "promise_in_past")
    ticket = tale.reply(day(3, 9), day(11)).ticket
    assert (ticket.state, ticket.promised_at) == ("promised", day(11))
    assert states(ticket, "promise_limit") == [(day(3, 9), day(11), "met")]
    assert states(ticket, "promised") == [(day(3, 9), day(11), "running")]
    assert states(ticket, "reply_due") == [(OPENED, REPLY_DUE, "met")]
    assert only(ticket, "promised").days == []


def test_the_first_accepted_reply_of_any_addressee_is_the_tickets() -> None:
    tale = Tale()
    tale.refused(day(3, 8), "reply", f"manufacturer:{M}", promised_at=day(20))
    tale.reply(day(3, 9), PROMISED, f"manufacturer:{M}")
    again = tale.refused(day(3, 10), "reply", SUPPLIER, promised_at=day(5))
    assert again == (409, "already_replied")
    assert tale.ticket.promised_at == PROMISED


def test_a_reply_after_the_reply_due_is_kept_and_late_and_ends_no_supervision() -> None:
    ticket = overdue().reply(REPLY_DUE + SECOND, PROMISED).ticket
    assert ticket.history[-1].late
    assert (ticket.state, ticket.supervised, ticket.level) == ("promised", True, "county")
    assert states(ticket, "reply_due") == [(OPENED, REPLY_DUE, "passed")]
    assert states(ticket, "level_due")[0][2] == "running"


def test_a_reply_at_exactly_the_reply_due_is_in_time_but_overdue_was_recorded_before_it() -> None:
    ticket = Tale().reply(REPLY_DUE, PROMISED).ticket
    assert passed(ticket) == [
        ("reply_overdue", REPLY_DUE),
        ("supervision_began", REPLY_DUE),
        ("replied", REPLY_DUE),
    ]
    assert not ticket.history[-1].late


def test_out_of_place_is_409_and_a_reply_while_solved_too() -> None:
    tale = Tale()
    for kind in ("confirm", "reopen"):
        assert tale.refused(day(3), kind, HOSPITAL) == (409, "wrong_state")
    tale.solved(day(3, 9))
    assert tale.refused(day(3, 10), "solved", SUPPLIER) == (409, "wrong_state")
    reply = tale.refused(day(3, 10), "reply", SUPPLIER, promised_at=PROMISED)
    assert reply == (409, "wrong_state")
    tale.confirm(day(3, 11))
    for kind, actor in (("reopen", HOSPITAL), ("solved", SUPPLIER), ("close", "bureau:360102")):
        assert tale.refused(day(3, 12), kind, actor) == (409, "wrong_state")


def test_of_several_faults_404_goes_before_403_before_422_before_409() -> None:
    tale = replied().solved(day(4))
    said = {"promised_at": day(1)}
    assert tale.refused(day(4), "reply", f"distributor:{OTHER}", **said)[0] == 404
    assert tale.refused(day(4), "reply", "bureau:360200", **said)[0] == 404
    assert tale.refused(day(4), "reply", "bureau:360100", **said)[0] == 403
    assert tale.refused(day(4), "reply", HOSPITAL, **said)[0] == 403
    assert tale.refused(day(4), "reply", SUPPLIER, **said) == (422, "promise_in_past")
    assert tale.refused(day(4), "confirm", SUPPLIER)[0] == 403
    assert tale.refused(day(4), "confirm", "hospital:H36010200002")[0] == 404


# ── solved, confirmed, reopened ───────────────────────────────────────────────────────────────────


def test_solved_is_possible_replied_or_not_and_stops_every_clock() -> None:
    for tale in (Tale(), replied(), overdue(), overdue().reply(day(5, 9), PROMISED)):
        ticket = tale.solved(day(5, 10) if tale.ticket.supervised else day(4)).ticket
        running = [d.name for d in ticket.deadlines if d.state == "running"]
        assert (ticket.state, running) == ("solved", ["confirm_due"])
        assert ticket.solved_at is not None
        far = tale.at(only(ticket, "confirm_due").due_at - SECOND)
        assert far.state == "solved"
        assert far.history[-1].type == "solved"


def test_silence_confirms_at_24_of_the_third_working_day_after_the_day_of_solved() -> None:
    tale = replied().solved(day(4, 9))
    ticket = tale.at(day(10) - SECOND)
    assert ticket.state == "solved"
    ticket = tale.at(day(10))
    assert ticket.state == "confirmed"
    step = ticket.history[-1]
    assert (step.type, step.at, step.by) == ("confirmed", day(10), "silence")
    assert states(ticket, "confirm_due") == [(day(4, 9), day(10), "passed")]
    assert only(ticket, "promised").state == "met"
    assert (ticket.solved_at, ticket.closed_at) == (day(4, 9), None)


def test_a_confirmation_meets_the_promise_even_after_its_instant() -> None:
    ticket = replied().solved(day(6, 9)).confirm(day(6, 16)).ticket
    assert only(ticket, "promised").state == "met"
    assert only(ticket, "confirm_due").state == "met"
    assert not ticket.recorded("promise_broken")
    assert not ticket.supervised


def test_a_promise_once_passed_stays_passed() -> None:
    ticket = replied().solved(day(6, 16)).confirm(day(6, 17)).ticket
    assert only(ticket, "promised").state == "passed"


def test_solved_at_exactly_the_promised_instant_comes_after_the_promise_was_broken() -> None:
    ticket = replied().solved(PROMISED).ticket
    assert [name for name, _ in passed(ticket)] == [
        "replied", "promise_broken", "supervision_began", "solved",
    ]  # fmt: skip
    assert replied().solved(PROMISED - SECOND).ticket.supervised is False


def test_a_reopen_before_the_promised_instant_goes_back_to_the_promise() -> None:
    tale = replied().solved(day(4)).reopen(PROMISED - SECOND)
    ticket = tale.ticket
    assert (ticket.state, ticket.supervised, ticket.solved_at) == ("promised", False, None)
    assert only(ticket, "promised").state == "running"
    assert only(ticket, "confirm_due").state == "stopped"
    assert passed(tale.at(PROMISED))[-2:] == [
        ("promise_broken", PROMISED),
        ("supervision_began", PROMISED),
    ]


def test_a_reopen_at_or_after_the_promised_instant_begins_supervision_and_records_no_breach() -> (
    None
):
    for late in (timedelta(0), timedelta(hours=4)):
        at = PROMISED + late
        ticket = replied().solved(day(4)).reopen(at).ticket
        assert hops(ticket) == [(None, "county", at)]
        assert ticket.state == "promised"
        assert not ticket.recorded("promise_broken")
        assert only(ticket, "promised").state == "stopped"


def test_a_reopen_without_a_promise_begins_supervision_and_the_reply_due_runs_on() -> None:
    tale = Tale().solved(day(3)).reopen(day(4, 9))
    assert hops(tale.ticket) == [(None, "county", day(4, 9))]
    assert (tale.ticket.state, only(tale.ticket, "reply_due").state) == ("open", "running")
    ticket = tale.at(REPLY_DUE)
    assert passed(ticket)[-1] == ("reply_overdue", REPLY_DUE)
    assert hops(ticket) == [(None, "county", day(4, 9))]


def test_what_passed_while_solved_is_not_recorded_and_a_reply_is_late_even_then() -> None:
    tale = Tale().solved(day(4)).reopen(day(5, 9))
    assert not tale.ticket.recorded("reply_overdue")
    ticket = tale.reply(day(5, 10), day(6)).ticket
    assert ticket.history[-1].late
    assert not tale.at(day(5, 11)).recorded("reply_overdue")
    assert only(ticket, "reply_due").state == "stopped"


# ── supervision and its levels ────────────────────────────────────────────────────────────────────


def test_a_ticket_nobody_answers_stands_at_the_province_after_nine_working_days_and_hops() -> None:
    tale = Tale()
    assert not tale.at(REPLY_DUE - SECOND).supervised
    # A level begun by a 24:00 began on the day that ends: Wednesday 4th, then 9th, 12th, 17th.
    ticket = tale.at(day(30))
    assert hops(ticket) == [
        (None, "county", day(5)),
        ("county", "city", day(10)),
        ("city", "province", day(13)),
    ]
    assert passed(ticket)[-1] == ("province_overdue", day(18))
    assert len(passed(ticket)) == 5
    assert states(ticket, "level_due") == [
        (day(5), day(10), "passed"),
        (day(10), day(13), "passed"),
        (day(13), day(18), "passed"),
    ]
    assert (ticket.state, ticket.level, ticket.bureau) == ("open", "province", "360000")
    assert all(step.by == "system" for step in ticket.history[1:])


def test_supervision_begins_at_the_promised_instant_without_a_standing_solved() -> None:
    ticket = replied().at(PROMISED)
    assert passed(ticket)[1:] == [("promise_broken", PROMISED), ("supervision_began", PROMISED)]
    assert states(ticket, "level_due") == [(PROMISED, day(12), "running")]


def test_a_promised_instant_at_midnight_begins_its_level_on_the_day_that_ends() -> None:
    broken = Tale().reply(day(3, 9), day(7)).at(day(7))
    assert states(broken, "level_due") == [(day(7), day(12), "running")]


def test_a_level_begun_by_an_act_at_midnight_began_on_the_day_that_begins() -> None:
    reopened = Tale().solved(day(4)).reopen(day(6)).ticket
    assert states(reopened, "level_due") == [(day(6), day(12), "running")]


@pytest.mark.parametrize(
    ("hospital", "chain"),
    [
        (COUNTY, [("county", "360102"), ("city", "360100"), ("province", "360000")]),
        (CITY, [("city", "360100"), ("province", "360000")]),
        (PROVINCIAL, [("province", "360000")]),
    ],
)
def test_supervision_begins_at_the_territorial_bureau(
    hospital: str, chain: list[tuple[str, str]]
) -> None:
    ticket = opened(hospital)
    assert (ticket.level, ticket.bureau) == (None, chain[0][1])
    for level, bureau in chain:
        due = next(d for d in ticket.deadlines if d.state == "running").due_at
        ticket.advance(due)
        assert (ticket.level, ticket.bureau) == (level, bureau)
    ticket.advance(day(30))
    assert [step.type for step in ticket.history].count("province_overdue") == 1
    assert not [d for d in ticket.deadlines if d.state == "running"]


def test_every_division_code_is_a_bureau() -> None:
    assert [level_of(code) for code in ("360000", "360100", "360102")] == [
        "province", "city", "county",
    ]  # fmt: skip
    assert [bureau_of("360735", level) for level in ("county", "city", "province")] == [
        "360735", "360700", "360000",
    ]  # fmt: skip


def test_overdue_and_broken_are_recorded_under_supervision_too_and_change_nothing_else() -> None:
    tale = Tale(opened(prominent=True))
    before = states(tale.ticket, "level_due")
    ticket = tale.at(REPLY_DUE)
    assert passed(ticket)[-1] == ("reply_overdue", REPLY_DUE)
    assert states(ticket, "level_due") == before
    ticket = tale.reply(day(5, 1), day(5, 9)).at(day(5, 9))
    # The level due of the opening, 24:00 of the third working day, has not passed yet.
    assert passed(ticket)[-1] == ("promise_broken", day(5, 9))
    assert states(ticket, "level_due") == before
    assert len(hops(ticket)) == 3


def test_the_first_reopen_under_supervision_keeps_the_level_with_a_fresh_due() -> None:
    tale = overdue().solved(day(6)).reopen(day(9, 9))
    assert tale.ticket.level == "county"
    assert states(tale.ticket, "level_due") == [
        (day(5), day(10), "stopped"),
        (day(9, 9), day(13), "running"),
    ]
    tale.solved(day(10)).reopen(day(11, 9))
    assert hops(tale.ticket)[-1] == ("county", "city", day(11, 9))
    tale.solved(day(12)).reopen(day(12, 9))
    assert hops(tale.ticket)[-1] == ("city", "province", day(12, 9))
    tale.solved(day(13)).reopen(day(13, 9))
    assert len(hops(tale.ticket)) == 3
    assert states(tale.ticket, "level_due")[-1] == (day(13, 9), day(19), "running")


def test_the_reopen_that_begins_supervision_is_not_the_first_under_it() -> None:
    tale = Tale().solved(day(3)).reopen(day(3, 9))
    tale.solved(day(3, 10)).reopen(day(3, 11))
    assert hops(tale.ticket) == [(None, "county", day(3, 9))]
    tale.solved(day(3, 12)).reopen(day(3, 13))
    assert hops(tale.ticket)[-1] == ("county", "city", day(3, 13))


def test_a_reopen_under_supervision_before_the_promise_runs_the_promise_and_the_level() -> None:
    tale = overdue().reply(day(5, 9), day(11, 9)).solved(day(6)).reopen(day(6, 9))
    running = [(d.name, d.due_at) for d in tale.ticket.deadlines if d.state == "running"]
    assert running == [("promised", day(11, 9)), ("level_due", day(12))]
    assert tale.ticket.state == "promised"
    assert passed(tale.at(day(12)))[-2:] == [
        ("promise_broken", day(11, 9)),
        ("escalated", day(12)),
    ]


def test_province_overdue_is_recorded_once_a_ticket() -> None:
    tale = Tale(opened(PROVINCIAL))
    assert tale.at(day(10)).history[-1].type == "province_overdue"
    tale.solved(day(10)).reopen(day(10, 9))
    ticket = tale.at(day(30))
    assert [step.type for step in ticket.history].count("province_overdue") == 1
    assert states(ticket, "level_due")[-1] == (day(10, 9), day(14), "passed")


def test_prominent_is_supervised_at_its_opening_and_hops_to_the_province_at_once() -> None:
    ticket = opened(prominent=True)
    assert hops(ticket) == [
        (None, "county", OPENED),
        ("county", "city", OPENED),
        ("city", "province", OPENED),
    ]
    assert (ticket.state, ticket.level, ticket.bureau) == ("open", "province", "360000")
    running = [(d.name, d.due_at) for d in ticket.deadlines if d.state == "running"]
    assert running == [("reply_due", REPLY_DUE), ("level_due", day(6))]
    assert hops(opened(PROVINCIAL, prominent=True)) == [(None, "province", OPENED)]


def test_supervising_is_recorded_and_stops_no_clock() -> None:
    tale = overdue()
    running = [(d.name, d.due_at) for d in tale.ticket.deadlines if d.state == "running"]
    tale.supervise(day(6), "bureau:360102").supervise(day(9))
    ticket = tale.ticket
    assert [step.by for step in ticket.history[-2:]] == ["bureau:360102", "bureau:360000"]
    assert [(d.name, d.due_at) for d in ticket.deadlines if d.state == "running"] == running
    assert tale.at(day(10)).level == "city"


def test_supervise_and_close_are_of_the_bureau_shown_or_the_province_in_any_state() -> None:
    for tale in (Tale(), replied(), replied().solved(day(4)), overdue()):
        at = day(4) if tale.ticket.supervised is False else day(6)
        for other in ("bureau:360100", HOSPITAL, SUPPLIER, "regulator:360000"):
            assert tale.refused(at, "close", other)[0] == 403
        tale.supervise(at, "bureau:360102").close(at, "bureau:360102")
        assert (tale.ticket.state, tale.ticket.closed_at) == ("closed", at)
        assert tale.refused(at, "close", "bureau:360000") == (409, "wrong_state")
        assert tale.refused(at, "supervise", "bureau:360000") == (409, "wrong_state")
    at_the_city = Tale()
    at_the_city.at(day(10))
    assert at_the_city.refused(day(10), "close", "bureau:360102")[0] == 403
    at_the_city.close(day(10), "bureau:360100/li")


def test_what_is_over_keeps_its_level_and_nothing_runs() -> None:
    closed = overdue().close(day(6)).at(day(30))
    assert (closed.state, closed.supervised, closed.level) == ("closed", True, "county")
    assert closed.history[-1].type == "closed"
    assert [d.state for d in closed.deadlines] == ["passed", "stopped"]
    confirmed = overdue().solved(day(6)).at(day(30))
    assert (confirmed.state, confirmed.supervised, confirmed.level) == (
        "confirmed", True, "county",
    )  # fmt: skip
    assert (confirmed.solved_at, confirmed.closed_at) == (day(6), None)


# ── the calendar ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['from']}+{case['workdays']}")
def test_reply_due_and_promise_limit_are_those_of_the_vectors(case: dict[str, str]) -> None:
    at = parse_time(f"{case['from']}T10:00:00+08:00")
    ticket = opened(at=at)
    name = "reply_due"
    if case["workdays"] == 5:
        name = "promise_limit"
        Tale(ticket).reply(at, at + SECOND)
    due = only(ticket, name)
    assert due.days[-1].day.isoformat() == case["to"]
    assert due.due_at - timedelta(days=1) == parse_time(f"{case['to']}T00:00:00+08:00")


def test_every_day_up_to_the_due_says_why_it_counts_or_not() -> None:
    ticket = opened(at=parse_time("2026-09-30T10:00:00+08:00"))
    told = [(f"{d.day:%m-%d}", d.counted, d.reason) for d in only(ticket, "reply_due").days]
    assert told == [
        *((f"10-0{n}", False, "国庆节") for n in range(1, 8)),
        ("10-08", True, "workday"),
        ("10-09", True, "workday"),
    ]
    ticket = opened(at=parse_time("2026-05-06T10:00:00+08:00"))
    Tale(ticket).reply(parse_time("2026-05-06T11:00:00+08:00"), day(7, 9, 5))
    told = [(f"{d.day:%m-%d}", d.reason) for d in only(ticket, "promise_limit").days]
    assert told[2:5] == [("05-09", "make-up workday"), ("05-10", "weekend"), ("05-11", "workday")]


def test_a_year_nobody_has_published_has_weekends_and_statutory_days_and_says_so() -> None:
    last = parse_time("2026-12-31T10:00:00+08:00")
    due = only(opened(at=last), "reply_due")
    told = [(f"{d.day:%m-%d}", d.reason) for d in due.days]
    assert told == [
        ("01-01", "元旦"), ("01-02", "weekend"), ("01-03", "weekend"),
        ("01-04", "workday"), ("01-05", "workday"),
    ]  # fmt: skip
    assert due.provisional
    # Wednesday 30 December: 24:00 of the 31st and 2027-01-01T00:00 are one instant, and it is official.
    assert not only(opened(at=last - timedelta(days=2)), "reply_due").provisional
    assert statutory_name(date(2027, 2, 8)) == "春节"
    assert statutory_name(date(2027, 9, 15)) == "中秋节"


def holidays(*days: str, kind: str = "holiday") -> list[dict[str, str]]:
    """What a notice says of some days."""
    return [{"date": one, "kind": kind, "name": "元旦"} for one in days]


def test_loading_a_year_moves_running_deadlines_and_makes_them_official() -> None:
    last = parse_time("2026-12-31T10:00:00+08:00")
    ticket = opened(at=last)
    longer = CALENDAR.loaded(2027, holidays("2027-01-01", "2027-01-04", "2027-01-05"), "v2")
    ticket.load(last + SECOND, longer)
    due = only(ticket, "reply_due")
    assert due.due_at == parse_time("2027-01-08T00:00:00+08:00")
    assert (due.provisional, due.version) == (False, "v2")
    assert [d.reason for d in due.days].count("元旦") == 3


def test_one_that_would_move_before_now_keeps_its_old_due() -> None:
    ticket = opened(at=parse_time("2026-12-31T10:00:00+08:00"))
    worked = holidays("2027-01-02", "2027-01-03", kind="workday")
    shorter = CALENDAR.loaded(2027, [*holidays("2027-01-01"), *worked], "v2")
    for now, due in (("2027-01-04T00:00:01", "2027-01-06"), ("2027-01-04T00:00:00", "2027-01-04")):
        told = opened(at=ticket.opened_at)
        told.load(parse_time(f"{now}+08:00"), shorter)
        assert only(told, "reply_due").due_at == parse_time(f"{due}T00:00:00+08:00")


def test_one_that_has_passed_or_is_stopped_is_not_undone_by_a_later_due() -> None:
    last = parse_time("2026-12-31T10:00:00+08:00")
    now = parse_time("2027-01-06T00:00:00+08:00")
    longer = CALENDAR.loaded(2027, holidays("2027-01-04", "2027-01-05"), "v2")
    gone = opened(at=last)
    gone.load(now, longer)
    assert only(gone, "reply_due").state == "passed"
    assert only(gone, "reply_due").due_at == now
    solved = Tale(opened(at=last)).solved(now - SECOND).ticket
    solved.load(now - SECOND, longer)
    assert (only(solved, "reply_due").state, only(solved, "reply_due").due_at) == ("stopped", now)

"""What people do with tickets, told as sentences: reply, solve, confirm, reopen, supervise, close."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

import pytest

from services.feedback.commands import Act, Close, Confirm, Reopen, Reply, Solve, Supervise
from shared.events.feedback import Replied
from tests.feedback.telling_tickets import (
    BY_DISTRIBUTOR,
    BY_HOSPITAL,
    BY_MAKER,
    CITY,
    COUNTY,
    PROVINCE,
    Story,
    end_of,
    march,
)

MICROSECOND = timedelta(microseconds=1)


def reply(promised_at: datetime, by: str = BY_DISTRIBUTOR) -> Reply:
    return Reply(promised_at=promised_at, by=by)


SOLVE, CONFIRM, REOPEN = Solve(by=BY_DISTRIBUTOR), Confirm(by=BY_HOSPITAL), Reopen(by=BY_HOSPITAL)
SUPERVISE = Supervise(measure="约谈", note="三日内整改", by=COUNTY)
CLOSE = Close(reason="重复提交", by=COUNTY)


def opened() -> Story:
    """Opened on Monday the 2nd at 10:00; a reply is due at the end of Wednesday."""
    return Story().open(march(2))


def test_a_reply_stops_the_reply_due_and_its_promise_runs() -> None:
    story = opened().says(reply(march(6, "18:00:00")), march(3))
    assert story.stands == ("promised", None, "360102")
    assert story.clocks == {"promised": march(6, "18:00:00")}
    step = story.ticket.history[-1]
    assert (step.type, step.at, step.by) == ("replied", march(3), BY_DISTRIBUTOR)
    assert "late" not in step.more


def test_a_promise_reaches_to_the_end_of_the_fifth_working_day_after_the_day_of_the_reply() -> None:
    limit = end_of(10)  # replied on Tuesday the 3rd: 4, 5, 6, 9, 10
    story = opened()
    story.refused(reply(limit + MICROSECOND), march(3), "promise_too_late")
    story.says(reply(limit), march(3))
    fact = story.told[-1].fact
    assert isinstance(fact, Replied)
    assert [(d.name, d.due_at, len(d.days)) for d in fact.deadlines] == [
        ("promise_limit", limit, 7),
        ("promised", limit, 0),
    ]


def test_a_promise_lies_in_the_future() -> None:
    story = opened()
    story.refused(reply(march(3)), march(3), "promise_in_past")
    story.refused(reply(march(3) - MICROSECOND), march(3), "promise_in_past")
    story.says(reply(march(3) + MICROSECOND), march(3))


def test_the_first_reply_stands_whoever_it_came_from() -> None:
    story = opened().says(reply(march(5), BY_MAKER), march(3))
    story.refused(reply(march(6)), march(3), "already_replied")
    story.refused(reply(march(6), BY_MAKER), march(3), "already_replied")


def test_what_is_wrong_with_a_promise_is_said_before_that_it_comes_out_of_place() -> None:
    replied = opened().says(reply(march(5)), march(3))
    replied.refused(reply(march(3)), march(3), "promise_in_past")
    closed = opened().says(CLOSE, march(3))
    closed.refused(reply(march(2)), march(3), "promise_in_past")
    closed.refused(reply(march(20)), march(3), "promise_too_late")
    closed.refused(reply(march(5)), march(3), "wrong_state")


def test_a_reply_at_the_due_itself_comes_when_it_has_passed_and_is_not_late() -> None:
    """What is due at 24:00 happens then; the reply is kept, and only behind the due it is late."""
    story = opened().says(reply(march(6)), end_of(4))
    assert story.history == ["opened", "reply_overdue", "supervision_began", "replied"]
    assert "late" not in story.ticket.history[-1].more


def test_a_late_reply_is_kept_and_ends_no_supervision() -> None:
    story = opened().says(reply(march(9)), march(5))
    assert story.history == ["opened", "reply_overdue", "supervision_began", "replied"]
    assert story.ticket.history[-1].more["late"] is True
    assert story.stands == ("promised", "county", "360102")
    assert story.clocks == {"promised": march(9), "level_due": end_of(9)}


def test_solved_stops_every_clock_and_asks_the_hospital() -> None:
    story = opened().says(SOLVE, march(3))  # nobody had replied
    assert story.stands == ("solved", None, "360102")
    assert story.ticket.solved_at == march(3)
    assert story.clocks == {"confirm_due": end_of(6)}
    supervised = opened().says(reply(march(9)), march(5)).says(SOLVE, march(6))
    assert supervised.stands == ("solved", "county", "360102")
    assert supervised.clocks == {"confirm_due": end_of(11)}


def test_the_hospital_confirms_and_nothing_runs_any_more() -> None:
    story = opened().says(SOLVE, march(3)).says(CONFIRM, march(4))
    assert story.stands == ("confirmed", None, "360102")
    assert story.clocks == {}
    assert story.ticket.history[-1].by == BY_HOSPITAL
    assert story.wait(march(30)).history == ["opened", "solved", "confirmed"]


def test_a_reopen_before_the_promise_goes_back_to_the_promise() -> None:
    story = opened().says(reply(march(6)), march(3)).says(SOLVE, march(4)).says(REOPEN, march(5))
    assert story.stands == ("promised", None, "360102")
    assert story.ticket.solved_at is None
    assert story.clocks == {"promised": march(6)}


@pytest.mark.parametrize("at", [march(6), march(6, "10:00:01")])
def test_a_reopen_at_the_promise_or_after_it_begins_supervision_and_breaks_no_promise(
    at: datetime,
) -> None:
    story = opened().says(reply(march(6)), march(3)).says(SOLVE, march(4)).says(REOPEN, at)
    assert story.stands == ("promised", "county", "360102")
    assert story.history[-2:] == ["reopened", "supervision_began"]
    assert story.ticket.history[-1].at == at
    assert story.clocks == {"level_due": end_of(11)}
    assert "promise_broken" not in story.wait(march(10)).history


def test_a_reopen_of_what_nobody_replied_to_begins_supervision_at_once() -> None:
    story = opened().says(SOLVE, march(3)).says(REOPEN, march(3, "11:00:00"))
    assert story.stands == ("open", "county", "360102")
    # The reply due still lies ahead: it runs again, and its passing is recorded under supervision.
    assert story.clocks == {"reply_due": end_of(4), "level_due": end_of(6)}
    assert story.wait(end_of(4)).history[-1] == "reply_overdue"
    assert story.stands == ("open", "county", "360102")


def test_a_reopen_records_no_overdue_reply_for_what_passed_while_it_was_solved() -> None:
    story = opened().says(SOLVE, march(4)).says(REOPEN, march(5))
    assert story.history == ["opened", "solved", "reopened", "supervision_began"]
    assert story.clocks == {"level_due": end_of(10)}
    # But the reply that now comes is late: the due it had has passed.
    story.says(reply(march(9)), march(6))
    assert story.ticket.history[-1].more["late"] is True


def test_a_reopen_at_midnight_counts_from_the_day_that_begins() -> None:
    story = opened().says(SOLVE, march(3)).says(REOPEN, end_of(4))
    assert story.clocks == {"level_due": end_of(10)}  # 5 begins; 6, 9, 10


def reopened_again(story: Story, first_day: int, times: int) -> Story:
    """Solved and reopened so often, each on a day of its own."""
    for day in range(first_day, first_day + times):
        story.says(SOLVE, march(day, "09:00:00")).says(REOPEN, march(day, "17:00:00"))
    return story


def test_the_first_reopen_under_supervision_keeps_the_level_and_each_further_one_climbs() -> None:
    story = reopened_again(opened().wait(march(5)), 5, 1)
    assert story.stands[1:] == ("county", "360102")
    assert story.clocks == {"level_due": end_of(10)}
    reopened_again(story, 6, 1)
    assert story.stands[1:] == ("city", "360100")
    assert story.clocks == {"level_due": end_of(11)}
    reopened_again(story, 9, 1)
    assert story.stands[1:] == ("province", "360000")
    reopened_again(story, 10, 1)
    assert story.stands[1:] == ("province", "360000")
    assert story.clocks == {"level_due": end_of(13)}
    assert story.history.count("escalated") == 2


def test_the_reopen_that_begins_supervision_is_not_yet_one_under_supervision() -> None:
    story = reopened_again(opened(), 3, 1)
    assert story.stands[1] == "county"
    reopened_again(story, 5, 1)
    assert story.stands[1] == "county"
    reopened_again(story, 6, 1)
    assert story.stands[1] == "city"


def test_a_measure_is_recorded_and_stops_no_clock() -> None:
    story = opened().says(SUPERVISE, march(3))
    assert story.clocks == {"reply_due": end_of(4)}
    assert story.stands == ("open", None, "360102")
    assert story.ticket.history[-1].more == {"measure": "约谈", "note": "三日内整改"}


def test_a_bureau_closes_and_nothing_runs_any_more() -> None:
    story = opened().wait(march(5)).says(CLOSE, march(5))
    assert story.stands == ("closed", "county", "360102")
    assert story.clocks == {}
    assert story.ticket.closed_at == march(5)
    assert story.wait(march(30)).history[-1] == "closed"


IN = {
    "open": lambda: opened(),
    "promised": lambda: opened().says(reply(march(6)), march(2)),
    "solved": lambda: opened().says(SOLVE, march(2)),
    "confirmed": lambda: opened().says(SOLVE, march(2)).says(CONFIRM, march(2)),
    "closed": lambda: opened().says(CLOSE, march(2)),
}
ACTS: list[tuple[Act, set[str]]] = [
    (reply(march(6)), {"open"}),
    (SOLVE, {"open", "promised"}),
    (CONFIRM, {"solved"}),
    (REOPEN, {"solved"}),
    (SUPERVISE, {"open", "promised", "solved"}),
    (CLOSE, {"open", "promised", "solved"}),
]


@pytest.mark.parametrize(
    ("state", "act", "allowed"),
    [(state, act, allowed) for state, (act, allowed) in product(IN, ACTS)],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_each_state_allows_its_acts_and_no_other(state: str, act: Act, allowed: set[str]) -> None:
    story = IN[state]()
    assert story.ticket.state == state
    if state in allowed:
        story.says(act, march(3))
    else:
        is_second_reply = state == "promised" and isinstance(act, Reply)
        story.refused(act, march(3), "already_replied" if is_second_reply else "wrong_state")


OTHERS = {
    "hospital": BY_HOSPITAL, "other hospital": "hospital:H36010200002",
    "distributor": BY_DISTRIBUTOR, "maker": BY_MAKER,
    "other distributor": "distributor:91360000MA00000X15", "county": COUNTY, "city": CITY,
    "other county": "bureau:360103", "province": PROVINCE, "other province": "bureau:370000",
    "regulator": "regulator:360000", "finance": "finance:360100", "ops": "ops:360000",
    "importer": "importer:360000",
}  # fmt: skip
MAY = {
    Reply: {"distributor", "maker"},
    Solve: {"distributor", "maker"},
    Confirm: {"hospital"},
    Reopen: {"hospital"},
    Supervise: {"county", "province"},
    Close: {"county", "province"},
}


@pytest.mark.parametrize(("act", "_"), ACTS, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("name", OTHERS)
def test_each_party_may_do_its_own_and_no_more(act: Act, _: set[str], name: str) -> None:
    if name in MAY[type(act)]:
        allowed = IN["solved"]() if isinstance(act, Confirm | Reopen) else IN["open"]()
        allowed.says(_said_by(act, OTHERS[name]), march(3))
    else:
        opened().refused(act, march(3), "forbidden", by=OTHERS[name])


def _said_by(act: Act, by: str) -> Act:
    return replace(act, by=by)


def test_when_the_ticket_has_climbed_the_bureau_it_left_may_act_no_longer() -> None:
    story = opened().wait(end_of(9))
    assert story.stands == ("open", "city", "360100")
    story.refused(SUPERVISE, march(10), "forbidden")
    story.says(_said_by(SUPERVISE, CITY), march(10))
    story.says(_said_by(SUPERVISE, PROVINCE), march(10))

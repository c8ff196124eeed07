"""`A3.3-feedback` of the oracle, worked by hand and told apart from careless readings."""

from collections import Counter
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from tests.oracle import concentrated as crowding
from tests.oracle import feedback
from tests.oracle.alarms import alarming_history
from tests.oracle.alerts import Alert
from tests.oracle.calendar import local_day
from tests.oracle.complaining import SEEDS, complaining
from tests.oracle.complaints import Ticket
from tests.oracle.concentrated import RULE, areas_of, concentrated
from tests.oracle.feedback import ticket_evidence
from tests.oracle.orders import Orders
from tests.oracle.questions import Question
from tests.oracle.replay import played
from tests.oracle.town import FAR, SECOND, H, day, town

THIRD = "H36010200002"
DAYS = timedelta(days=1)
LONG_AFTER = day(31) + 60 * DAYS


def complained(*openings: tuple[str, datetime], product: str = "P") -> Orders:
    """A model that knows tickets of these hospitals, opened then."""
    model = Orders(town())
    body = {"kinds": ["hospital"], "division": "360102", "level": "secondary"}
    model.world.put(day(1), f"organisations/{THIRD}", body)
    for number, (hospital, at) in enumerate(openings):
        key = f"{hospital}-T{number}"
        ticket = {"ticket_id": key, "hospital_id": hospital, "product_id": product}
        assert model.complaints.ask(model.world, at, key, "open", ticket) == 201
    return model


def steps(model: Orders, until: datetime = LONG_AFTER) -> list[tuple[object, ...]]:
    """Raised, cleared."""
    return [(one.raised_at, one.cleared_at) for one in concentrated(model, day(2), until)]


def test_the_fifth_ticket_of_one_hospital_raises_at_once() -> None:
    openings = [(H, day(n, 9)) for n in (5, 6, 7, 8)]
    assert steps(complained(*openings)) == []
    model = complained(*openings, (H, day(9, 10)), (H, day(9, 11)))
    (alert,) = concentrated(model, day(2), day(9, 12))
    assert (alert.rule, alert.subject, alert.subject_id) == (RULE, "product", "P")
    assert (alert.raised_at, alert.scope, alert.state) == (day(9, 10), "360000", "open")
    assert len(alert.tickets) == 5


def test_the_third_hospital_raises_and_each_product_is_counted_by_itself() -> None:
    two = [(H, day(5)), (FAR, day(5)), (H, day(6))]
    assert steps(complained(*two)) == []
    model = complained(*two, (THIRD, day(7)))
    assert [at for at, _ in steps(model)] == [day(7)]
    body = {"ticket_id": f"{FAR}-Q", "hospital_id": FAR, "product_id": "Q"}
    model.complaints.ask(model.world, day(8), f"{FAR}-Q", "open", body)
    assert len(steps(model)) == 1


def test_the_window_is_the_opening_day_and_the_29_before() -> None:
    first, last = day(5), day(5) + 30 * DAYS - SECOND
    assert [at for at, _ in steps(complained((H, first), (FAR, first), (THIRD, last)))] == [last]
    late = first + DAYS - SECOND, first + 30 * DAYS  # a day too far, though 29 days and a second
    assert steps(complained((H, late[0]), (FAR, first), (THIRD, late[1]))) == []


def test_it_clears_at_the_first_close_that_no_longer_holds_it_and_is_raised_anew() -> None:
    close = day(5) + 31 * DAYS  # of the day whose window is the first without the 5th
    model = complained((H, day(5)), (FAR, day(7)), (THIRD, day(7)))
    assert steps(model, close - SECOND) == [(day(7), None)]
    assert steps(model) == [(day(7), close)]
    again = complained((H, day(5)), (FAR, day(7)), (THIRD, day(7)), (H, close))
    assert [at for at, _ in steps(again)] == [day(7), close]


def test_a_close_does_not_know_what_opens_at_its_very_instant() -> None:
    close = day(5) + 31 * DAYS
    for at, times in ((close - SECOND, 1), (close, 2)):
        model = complained((H, day(5)), (FAR, day(7)), (THIRD, day(7)), (H, at))
        assert len(steps(model)) == times


def test_tickets_that_are_done_with_count_all_the_same() -> None:
    model = complained((H, day(5)), (FAR, day(5)))
    for ticket_id in list(model.complaints.tickets):
        model.complaints.ask(model.world, day(6), ticket_id, "close", {})
    body = {"ticket_id": f"{THIRD}-T", "hospital_id": THIRD, "product_id": "P"}
    model.complaints.ask(model.world, day(7), f"{THIRD}-T", "open", body)
    assert [at for at, _ in steps(model)] == [day(7)]


def test_whose_area_holds_a_ticket_of_the_figure_sees_the_alert() -> None:
    model = complained(*[(H, day(n)) for n in (5, 6, 7, 8, 9)], (FAR, day(9)))
    (alert,) = concentrated(model, day(2), day(10))
    assert areas_of(model, alert) == {"360102"}  # the one from afar came behind the raising


@cache
def run(seed: int) -> tuple[Orders, datetime, datetime]:
    """The model at the end of a history with tickets, and its two ends."""
    told = complaining(alarming_history(seed))
    model, now, _ = played(told)
    return model, told.start, now


def test_histories_crowd_clear_and_crowd_anew_and_tell_every_kind_of_ticket() -> None:
    alerts: list[Alert] = []
    outcomes: Counter[tuple[str, bool]] = Counter()
    for seed in SEEDS:
        model, start, now = run(seed)
        found = concentrated(model, start, now)
        assert len({one.subject_id for one in found}) >= 3
        alerts += found
        asked = Question(window="90d", as_of=local_day(now) - DAYS)
        for one in ticket_evidence(model.complaints, asked):
            ticket = model.complaints.tickets[one.order_id]
            outcomes[one.outcome, one.due_at == ticket.reply_due] += 1
    instants = {one.cleared_at for one in alerts}
    assert any(one.raised_at in instants for one in alerts)  # cleared and raised at one instant
    assert {len(one.tickets) for one in alerts} >= {3, 5}
    assert min(outcomes[kind, of] for kind in ("hit", "miss") for of in (True, False)) >= 3


def thirty_one_days(name: str, last: date) -> tuple[date, date]:
    """Careless: that day and the 30 before."""
    return last - timedelta(days=30), last


def close_knows_its_instant(model: Orders, since: datetime, until: datetime) -> list[Any]:
    """Careless: what opens at 24:00 comes before the close."""
    found = meant_happenings(model, since, until)
    return sorted(found, key=lambda it: (it[0], it[2] is None))


meant_happenings = crowding.happenings


def only_open_ones(tickets: list[Ticket]) -> bool:
    """Careless: a ticket that is done with is no complaint any more."""
    return crowded([one for one in tickets if not one.acts])


crowded = crowding.crowded


def late_promises_too(ticket: Ticket) -> datetime:
    """Careless: a late reply's promise makes the due."""
    reply = ticket.replied()
    return ticket.reply_due if reply is None or not reply.promised_at else reply.promised_at


def a_moment_early(ticket: Ticket) -> datetime:
    """Careless: before the due, not at it."""
    return due_of(ticket) - timedelta(microseconds=1)


due_of = feedback.due_of


def any_solved(ticket: Ticket) -> Any:
    """Careless: the first `solved` counts, though it was taken back."""
    return next((act for act in ticket.acts if act.name == "solved"), None)


def last_solved(ticket: Ticket) -> Any:
    """Careless: a `solved` that was taken back counts."""
    return next((act for act in reversed(ticket.acts) if act.name == "solved"), None)


READINGS: list[tuple[Any, str, Any]] = [
    (crowding, "window", thirty_one_days),
    (crowding, "happenings", close_knows_its_instant),
    (crowding, "crowded", only_open_ones),
    (crowding, "TICKETS", 4),
    (crowding, "TICKETS", 6),
    (crowding, "HOSPITALS", 2),
    (crowding, "HOSPITALS", 4),
    (feedback, "due_of", late_promises_too),
    (feedback, "due_of", a_moment_early),
    (Ticket, "standing", any_solved),
    (Ticket, "standing", last_solved),
]


def name_of(value: Any) -> str:
    """What a careless reading is called in the test's name."""
    return str(getattr(value, "__name__", value)).split(".")[-1]


def said(seed: int) -> list[Any]:
    """Every alert of a run, and what each ticket says to the rate."""
    model, start, now = run(seed)
    asked = Question(window="90d", as_of=local_day(now) - DAYS)
    rows = ticket_evidence(model.complaints, asked)
    return [*concentrated(model, start, now), *[(one.order_id, one.outcome) for one in rows]]


@pytest.mark.parametrize(("where", "name", "careless"), READINGS, ids=name_of)
def test_a_careless_reading_differs_on_a_history_that_the_journeys_play(
    where: Any, name: str, careless: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    meant = {seed: said(seed) for seed in SEEDS}
    monkeypatch.setattr(where, name, careless)
    assert any(said(seed) != meant[seed] for seed in SEEDS)

"""When tickets crowd on a product, and which opening completes the crowd."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from services.alerts.domain.closing import Standing
from services.alerts.domain.concentration import Concentration, Opened, completed
from services.alerts.domain.crowding import CrowdChange, crowd_changes
from services.alerts.policy import concentration_rule
from shared.kernel.clock import day_end, day_start, local_day
from shared.store.policy_files import shipped_policy
from tests.alerts.complaints import HOSPITALS, HOUR
from tests.alerts.facts import SENT

RULE = concentration_rule(shipped_policy())
EVER = day_start(date(2000, 1, 1))
ONE, TWO, THREE = HOSPITALS[:3]


def at(hours: int, hospital: str = ONE, number: int | None = None) -> Opened:
    """A ticket of so many hours after the beginning."""
    ticket_id = f"{hospital}-T{hours if number is None else number}"
    return Opened(SENT + hours * HOUR, ticket_id, hospital, hospital[1:7])


def crowd(
    *arriving: Opened, known: Sequence[Opened] = (), since: datetime = EVER
) -> Concentration | None:
    return completed(RULE, known, arriving, since=since)


def test_the_numbers_are_those_of_the_policy() -> None:
    assert (RULE.tickets, RULE.hospitals, RULE.days) == (5, 3, 30)
    assert RULE.title == "同一产品 30 日内反馈满 5 件或涉及 3 家医疗机构"


def test_five_tickets_are_a_crowd_and_four_are_none() -> None:
    tickets = [at(n) for n in range(6)]
    assert crowd(*tickets[:4]) is None
    assert crowd(*tickets) == (tickets[4].at, tickets[:5])


def test_tickets_of_three_hospitals_are_a_crowd() -> None:
    tickets = [at(0, ONE), at(1, TWO), at(2, ONE), at(3, THREE)]
    assert crowd(*tickets[:3]) is None
    found = crowd(*tickets)
    assert found == (tickets[3].at, tickets)
    assert (found.hospitals, found.divisions) == (3, {"360102", "360121"})


def test_the_thirtieth_day_back_counts_and_the_one_before_does_not() -> None:
    beginning = day_start(date(2026, 3, 1))
    last = [Opened(beginning + n * HOUR, f"{ONE}-T{n}", ONE, "360102") for n in range(4)]
    old = beginning - timedelta(days=29)
    inside, outside = (
        Opened(moment, f"{ONE}-OLD", ONE, "360102") for moment in (old, old - HOUR / 3600)
    )
    assert crowd(*last, known=[inside]) is not None
    assert crowd(*last, known=[outside]) is None


def test_one_that_arrives_behind_a_later_one_completes_the_later_ones_crowd() -> None:
    early = [at(n) for n in range(3)]
    assert crowd(at(10), known=[*early, at(20)]) == (at(20).at, [*early, at(10), at(20)])
    both = crowd(at(20), at(10), known=early)
    assert both == crowd(at(10), at(20), known=early)


def test_of_one_instant_the_order_of_arrival_decides() -> None:
    tickets = [at(1, ONE, 9), at(1, TWO, 8), at(1, THREE, 7), at(1, HOSPITALS[3], 6)]
    assert crowd(*tickets) == (tickets[2].at, tickets[:3])


def test_what_was_completed_before_an_instant_is_not_told() -> None:
    tickets = [at(n) for n in range(6)]
    assert crowd(*tickets, since=tickets[5].at) == (tickets[5].at, tickets)
    assert crowd(*tickets, since=tickets[5].at + HOUR) is None


@given(st.randoms(use_true_random=False), st.integers(1, 40))
def test_however_the_openings_are_batched_the_same_crowd_is_found(
    random: Random, most: int
) -> None:
    moments = [random.randrange(24 * 60) for _ in range(random.randint(1, 12))]
    tickets = [at(h, random.choice(HOSPITALS), n) for n, h in enumerate(moments)]
    whole = crowd(*tickets)
    for n in range(len(tickets)):
        one_by_one = crowd(tickets[n], known=tickets[:n])
        if one_by_one is not None:
            break
    assert (whole is None) == (one_by_one is None)
    if whole is not None and one_by_one is not None:
        assert whole.at == one_by_one.at
        assert set(whole.tickets) == set(one_by_one.tickets)
    start, found = 0, None
    while start < len(tickets) and found is None:
        end = start + random.randint(1, most)
        found = crowd(*tickets[start:end], known=tickets[:start])
        start = end
    assert (found and found.at) == (whole and whole.at)


@given(st.randoms(use_true_random=False))
def test_a_crowd_is_the_first_that_a_plain_count_finds(random: Random) -> None:
    moments = sorted(random.randrange(24 * 60) for _ in range(random.randint(1, 12)))
    tickets = [at(h, random.choice(HOSPITALS), n) for n, h in enumerate(moments)]
    expected = None
    for n, last in enumerate(tickets):
        day = local_day(last.at)
        window = [
            one for one in tickets[: n + 1] if day - timedelta(days=29) <= local_day(one.at) <= day
        ]
        if len(window) >= 5 or len({one.hospital_id for one in window}) >= 3:
            expected = (last.at, window)
            break
    assert crowd(*tickets) == expected


CLOSE = day_end(date(2026, 2, 5))
CROWD = Concentration(CLOSE, [at(n) for n in range(5)])


def test_a_close_clears_what_no_longer_crowds_and_leaves_what_does() -> None:
    standing = {
        product: Standing(f"alert-{product}", CLOSE - HOUR, None) for product in ("P1", "P2")
    }
    assert crowd_changes({"P1": CROWD}, standing, CLOSE) == [CrowdChange("P2", None, "alert-P2")]


def test_a_close_tells_what_nobody_could_tell_before() -> None:
    assert crowd_changes({"P1": CROWD}, {}, CLOSE) == [CrowdChange("P1", CROWD, None)]


def test_a_close_that_runs_again_leaves_what_was_decided_since() -> None:
    later = {"P1": Standing("alert-P1", CLOSE + HOUR, None)}
    cleared = {"P1": Standing("alert-P1", CLOSE - HOUR, CLOSE)}
    for standing in (later, cleared):
        assert crowd_changes({}, standing, CLOSE) == []
    assert crowd_changes({"P1": CROWD}, later, CLOSE) == []

"""What a hospital owes by itself, when it is due, and how old its arrears are: the pure rules."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.settlement.domain.ageing import NOT_YET, aged, bucket_of, overdue_days, spans
from services.settlement.domain.dues import (
    COUNTED,
    Accepted,
    Dues,
    GivenBack,
    Paid,
    due_on,
    dues_of,
)
from services.settlement.policy import PaymentTerms, hospital_pays_pools, payment_terms
from shared.kernel.policy import Policy, parse_policy
from shared.kernel.quantity import amount_fen
from shared.store.policy_files import shipped_policy
from tests.settlement import owing
from tests.settlement.owing import FIRST, LINES, UNIT

THIRTY = PaymentTerms("v", 30, None, (30, 60, 90))
YUAN = 10_000


def line(place: int = 0, on: date = FIRST, units: int = 1, price: int = YUAN) -> Accepted:
    """A receipt line; by default of one yuan, accepted on the first day."""
    return Accepted(LINES[place], on, units * UNIT, price)


def back(place: int = 0, on: date = FIRST, units: int = 1, return_id: str = "T1") -> GivenBack:
    return GivenBack(return_id, LINES[place], on, units * UNIT)


def paid(fen: int, on: date = FIRST, id_: str = "A", state: Any = "reported") -> Paid:
    return Paid(id_, on, fen, state)


def opens(dues: Dues) -> list[int]:
    """What is open of each line, oldest due first."""
    return [one.open_fen for one in dues.lines]


def later(days: int) -> date:
    return FIRST + timedelta(days=days)


@pytest.mark.parametrize(
    ("accepted_on", "days", "months", "due"),
    [
        ("2026-01-05", 30, None, "2026-02-04"),
        ("2026-01-05", 0, None, "2026-01-05"),
        ("2026-01-31", None, 1, "2026-02-28"),
        ("2026-01-01", None, 1, "2026-02-28"),
        ("2028-01-31", None, 1, "2028-02-29"),
        ("2026-11-30", None, 1, "2026-12-31"),
        ("2026-12-31", None, 0, "2026-12-31"),
        ("2026-12-31", None, 1, "2027-01-31"),
    ],
)
def test_due_is_days_after_acceptance_or_the_end_of_a_month(accepted_on, days, months, due):
    terms = PaymentTerms("v", days, months, (30,))
    assert due_on(date.fromisoformat(accepted_on), terms) == date.fromisoformat(due)


def test_a_payment_goes_to_what_is_due_first():
    lines = [line(0, later(2)), line(1, later(1)), line(2)]
    dues = dues_of(lines, [], [paid(150)], THIRTY, later(2))
    assert [one.key for one in dues.lines] == [LINES[2], LINES[1], LINES[0]]
    assert opens(dues) == [0, 50, 100]


def test_a_line_that_comes_to_light_late_is_paid_first_if_it_is_due_first():
    known = dues_of([line(0, later(5))], [], [paid(100)], THIRTY, later(9))
    assert opens(known) == [0]
    told = dues_of([line(0, later(5)), line(1)], [], [paid(100)], THIRTY, later(9))
    assert opens(told) == [0, 100]


def test_a_return_after_payment_leaves_a_credit_that_is_used_first():
    settled = dues_of([line()], [back(on=later(3))], [paid(100)], THIRTY, later(2))
    assert (opens(settled), settled.credit_fen) == ([0], 0)
    returned = dues_of([line()], [back(on=later(3))], [paid(100)], THIRTY, later(3))
    assert (opens(returned), returned.credit_fen) == ([0], 100)
    more = [line(), line(1, later(4), units=3)]
    used = dues_of(more, [back(on=later(3))], [paid(100)], THIRTY, later(4))
    assert (opens(used), used.credit_fen) == ([0, 200], 0)


def test_what_goes_back_of_a_line_that_is_not_owed_takes_nothing_off():
    dues = dues_of([line()], [back(1)], [], THIRTY, FIRST)
    assert (opens(dues), dues.credit_fen) == ([100], 0)


def test_returns_that_are_rounded_to_more_than_their_line_leave_a_credit():
    """Two parts of half a fen each come back as two fen, where the whole was one."""
    lines = [Accepted(LINES[0], FIRST, 2 * UNIT, 50), line(1, later(1))]
    halves = [GivenBack(id_, LINES[0], FIRST, UNIT) for id_ in ("T1", "T2")]
    dues = dues_of(lines, halves, [], THIRTY, later(1))
    assert (dues.lines[0].amount_fen, dues.lines[0].returned_fen) == (1, 2)
    assert (opens(dues), dues.credit_fen) == ([0, 99], 0)


@pytest.mark.parametrize("state", ["contested", "withdrawn"])
def test_a_contested_or_withdrawn_payment_pays_nothing(state):
    assert opens(dues_of([line()], [], [paid(100, state=state)], THIRTY, FIRST)) == [100]


def test_the_due_day_is_in_time_to_its_end():
    due = due_on(FIRST, THIRTY)
    assert [overdue_days(due, due + timedelta(days=n)) for n in (-1, 0, 1, 30)] == [0, 0, 1, 30]


def test_buckets_end_with_their_last_day():
    days = {0: NOT_YET, 1: 0, 30: 0, 31: 1, 60: 1, 61: 2, 90: 2, 91: 3, 5_000: 3}
    assert {n: bucket_of(FIRST, later(n), (30, 60, 90)) for n in days} == days
    assert spans((30, 60, 90)) == [(1, 30), (31, 60), (61, 90), (91, None)]


def test_arrears_say_what_is_due_since_when():
    """On the 101st day the lines are 71 and 31 days overdue, and the last one is due later."""
    lines = [line(0), line(1, later(40), units=2), line(2, later(100), units=4)]
    arrears = aged(dues_of(lines, [], [paid(30)], THIRTY, later(101)), later(101), (30, 60, 90))
    assert (arrears.owed_fen, arrears.not_yet_due_fen, arrears.overdue_fen) == (670, 400, 270)
    assert [bucket.amount_fen for bucket in arrears.overdue] == [0, 200, 70, 0]
    assert arrears.oldest_due_on == due_on(FIRST, THIRTY)


@given(
    owing.accepted, owing.given_back, owing.payments, owing.terms, owing.days,
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_neither_order_nor_repetition_matters(lines, backs, payments, terms, day, chance: Random):
    def shuffled(known: list[Any]) -> list[Any]:
        return chance.sample([*known, *known], 2 * len(known))

    once = dues_of(lines, backs, payments, terms, day)
    assert dues_of(shuffled(lines), shuffled(backs), shuffled(payments), terms, day) == once


@given(owing.accepted, owing.given_back, owing.payments, owing.terms, owing.days)
def test_sums_add_up(lines, backs, payments, terms, day):
    dues = dues_of(lines, backs, payments, terms, day)
    arrears = aged(dues, day, terms.ageing_days)
    known = {one.key: one for one in lines if one.accepted_on <= day}
    accepted = sum(amount_fen(one.quantity, one.unit_price) for one in known.values())
    returned = sum(
        amount_fen(one.quantity, known[one.key].unit_price)
        for one in backs
        if one.key in known and one.confirmed_on <= day
    )
    money = sum(p.amount_fen for p in payments if p.paid_on <= day and p.state in COUNTED)
    assert (arrears.accepted_fen, arrears.returned_fen, arrears.paid_fen) == (
        accepted,
        returned,
        money,
    )
    assert accepted - returned - money == arrears.owed_fen - arrears.credit_fen
    assert arrears.credit_fen == dues.credit_fen >= 0
    assert arrears.owed_fen == arrears.not_yet_due_fen + arrears.overdue_fen
    assert arrears.overdue_fen == sum(bucket.amount_fen for bucket in arrears.overdue)
    # Nobody has a credit and a debt at once, and nothing younger is paid before the older is.
    assert not (arrears.owed_fen and arrears.credit_fen)
    left = [one.open_fen for one in dues.lines]
    assert all(fen >= 0 for fen in left)
    first_open = next((n for n, fen in enumerate(left) if fen), len(left))
    assert all(one.paid_fen == 0 for one in dues.lines[first_open + 1 :])
    assert [one.due_on for one in dues.lines] == sorted(one.due_on for one in dues.lines)


@given(owing.accepted, owing.given_back, owing.payments, owing.terms, owing.days)
def test_a_day_knows_nothing_of_later_days(lines, backs, payments, terms, day):
    until = dues_of(
        [one for one in lines if one.accepted_on <= day],
        [one for one in backs if one.confirmed_on <= day],
        [one for one in payments if one.paid_on <= day],
        terms,
        day,
    )
    assert dues_of(lines, backs, payments, terms, day) == until


def policy(values: str) -> Policy:
    """A policy whose one rule is B1.3.1 with these values."""
    return parse_policy(
        'province = "360000"\n[[rules]]\nid = "B1.3.1"\ndocument = "d"\narticle = "a"\n'
        f'title = "t"\nvalid_from = 2026-01-01\nvalues = {{ {values} }}\n'
    )


def test_the_fund_pays_everywhere_unless_the_policy_says_otherwise():
    assert hospital_pays_pools(shipped_policy()) == frozenset()
    terms = payment_terms(shipped_policy())
    assert (terms.days, terms.months, terms.ageing_days) == (30, None, (30, 60, 90))
    chosen = policy('hospital_pays_pools = ["360100"], due = { months = 1 }, ageing_days = [15]')
    assert hospital_pays_pools(chosen) == {"360100"}
    assert (payment_terms(chosen).days, payment_terms(chosen).months) == (None, 1)


@pytest.mark.parametrize(
    "values",
    [
        "due = {}, ageing_days = [30]",
        "due = { days = 30, months = 1 }, ageing_days = [30]",
        "due = { days = -1 }, ageing_days = [30]",
        "due = { days = 30 }, ageing_days = []",
        "due = { days = 30 }, ageing_days = [60, 30]",
        "due = { days = 30 }, ageing_days = [0, 30]",
        "due = { days = 30 }, ageing_days = [30, 30]",
    ],
)
def test_terms_that_nobody_could_reckon_by_are_refused(values):
    with pytest.raises(ValueError, match=r"B1\.3\.1"):
        payment_terms(policy(values))


@pytest.mark.parametrize("pool", ['"3601"', '"360102"', "360100", '"城市"'])
def test_a_slip_in_a_pool_does_not_have_the_fund_pay(pool):
    with pytest.raises(ValueError, match=r"B1\.3\.1"):
        hospital_pays_pools(policy(f"hospital_pays_pools = [{pool}]"))

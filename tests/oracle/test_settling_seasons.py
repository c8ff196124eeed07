"""Random months: repeatable, full of what can happen, in balance always, the same however they arrive."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from math import floor
from typing import Any

import pytest

from tests.oracle.facts import Fact
from tests.oracle.settling import (
    disputes,
    drafting,
    flow,
    matching,
    money,
    prepayments,
    suspensions,
    timers,
)
from tests.oracle.settling.audit import audit
from tests.oracle.settling.desk import BASE, request
from tests.oracle.settling.goods import InvoiceRow, Key, invoice_rows
from tests.oracle.settling.naming import Names, plain
from tests.oracle.settling.office import Office
from tests.oracle.settling.seasons import Season, play, rearranged, season, settled

SEEDS = (1, 2, 3, 4, 5)
ALL = "bureau:360000"


@cache
def told(seed: int) -> Season:
    """A season, written once."""
    return season(seed)


def outcome(office: Office) -> list[Any]:
    """Everything that the outside can see at the end."""
    paths = ("/statements", "/unmatched", "/disputes", "/entries")
    answers = [request(office, office.now, ALL, "GET", BASE + path) for path in paths]
    return [answer.body["items"] for answer in answers]


@cache
def end(seed: int) -> list[Any]:
    """What is seen when the season has been played."""
    return outcome(settled(told(seed)))


# ── what a season is ──────────────────────────────────────────────────────────────────────────────


def test_a_season_is_always_the_same_and_played_twice_ends_the_same() -> None:
    assert season(1).steps == told(1).steps
    assert outcome(settled(told(1))) == end(1)
    assert end(1) != end(2)


def test_the_clock_never_goes_back_and_stops_only_to_go_on() -> None:
    instants = [step[1] for step in told(1).steps if step[0] == "clock"]
    assert instants == sorted(set(instants))


def test_the_seasons_meet_every_answer_that_matters() -> None:
    asked: Counter[tuple[str, int, str | None]] = Counter()
    posted: Counter[str | None] = Counter()
    for seed in SEEDS:
        for one in play(told(seed)):
            posted.update(one.codes)
            if one.answer:
                name = one.step[3].split("/")[-1].split(":")[-1]
                asked[name, one.answer.status, one.answer.code] += 1
    conflict, wrong = "conflicting_duplicate", "wrong_state"
    wanted = {
        ("confirm", 409, "nothing_to_pay"),
        ("confirm", 409, wrong),
        ("approve", 409, wrong),
        ("approve", 422, "person_missing"),
        ("pay", 409, "payee_suspended"),
        ("pay", 409, wrong),
        ("pay", 422, "person_missing"),
        ("pay", 422, "same_person"),
        ("bank-results", 200, None),
        ("bank-results", 404, None),
        ("bank-results", 409, None),
        ("dispute", 201, None),
        ("dispute", 422, "malformed"),
        ("dispute", 422, "unknown_line"),
        ("resolve", 200, None),
        ("resolve", 403, None),
        ("suspensions", 201, None),
        ("suspensions", 200, None),
        ("suspensions", 403, None),
        ("suspensions", 409, conflict),
        ("lift", 200, None),
        ("lift", 409, conflict),
        ("prepayments", 201, None),
        ("prepayments", 404, None),
        ("prepayments", 409, conflict),
        ("prepayments", 422, "prepayment_below_30_percent"),
        ("offsets", 200, None),
        ("offsets", 201, None),
        ("reverse", 200, None),
        ("reverse", 409, conflict),
        ("reverse", 409, "not_reversible"),
        ("close", 200, None),
        ("close", 403, None),
        ("close", 409, "month_not_ended"),
        ("calculate", 200, None),
    }
    wanted |= {(step, code, None) for step in ("confirm", "approve", "pay") for code in (200, 403)}
    assert wanted - set(asked) == set()
    assert {"accepted", "duplicate", "unknown_receipt"} <= set(posted)


def test_the_seasons_meet_every_turn_that_a_statement_can_take() -> None:
    met: Counter[str] = Counter()
    for seed in SEEDS:
        office = settled(told(seed))
        met.update(reason for _, reason in drafting.unmatched(office, office.orders.facts))
        first = {
            line.goods.key: one.month
            for one in office.statements
            for line in one.settled
            if line.kind == "receipt"
        }
        for one in office.statements:
            met.update([one.state, *(item["type"] for item in one.history)])
            met["second"] += one.second
            met["carried on"] += one.carried_fen < 0 and one.total_fen > 0
            met["carried twice"] += one.carried_fen < 0 and one.state == "carried_forward"
            met["both purses"] += any(p.from_prepaid_fen and p.from_fund_fen for p in one.payments)
            for line in one.lines:
                again = first.get(line.goods.key, one.month) > one.month
                met["settled again"] += (
                    line.kind == "receipt" and line.state == "disputed" and again
                )
                met["late return"] += (
                    line.kind == "return"
                    and not again
                    and first.get(line.goods.key, one.month) < one.month
                )
                met["late receipt"] += f"{line.goods.occurred_at:%Y-%m}" < one.month
                met["return disputed with it"] += line.kind == "return" and line.state != "settled"
    wanted = ["no_invoice", "quantity_differs", "price_above_selected", "draft"]
    wanted += ["hospital_confirmed", "confirmed", "approved", "paying", "paid", "carried_forward"]
    wanted += ["reminded", "held", "released", "payment_failed", "disputed"]
    wanted += ["second", "carried on", "carried twice", "both purses", "settled again"]
    wanted += ["late return", "late receipt", "return disputed with it"]
    assert [one for one in wanted if not met[one]] == []


# ── what holds ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", SEEDS)
def test_debits_equal_credits_and_every_line_is_settled_once_after_each_step(seed: int) -> None:
    for number, one in enumerate(play(told(seed))):
        if number % 7 == 0:
            assert audit(one.office) == [], (number, one.step)
    assert audit(settled(told(seed))) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_facts_in_any_order_of_arrival_between_two_drafts_give_the_same(seed: int) -> None:
    other = rearranged(told(seed), seed)
    assert other.steps != told(seed).steps
    assert outcome(settled(other)) == end(seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_everything_said_twice_gives_the_same(seed: int) -> None:
    """Each post and each ask that was taken is said again at once.

    A dispute knows no same again, and the bulk steps of another state would be new ones.
    """
    office_steps = []
    for one in play(told(seed)):
        office_steps.append(one.step)
        taken = one.answer is not None and one.answer.status < 300
        if one.step[0] == "post" or (taken and not one.step[3].endswith("/dispute")):
            office_steps.append(one.step)
    twice = Season(seed, told(seed).start, told(seed).puts, office_steps)
    assert outcome(settled(twice)) == end(seed)


def test_a_jump_over_everything_due_ends_as_waking_each_day_does() -> None:
    """What is due fires at its own instant, so nobody need be awake."""
    quiet = season(3, busy=False)
    kept: list[Any] = []
    for step, following in zip(quiet.steps, [*quiet.steps[1:], None], strict=True):
        if step[0] != "clock" or following is None or following[0] != "clock":
            kept.append(step)
    assert len(kept) < len(quiet.steps)
    sparse = Season(quiet.seed, quiet.start, quiet.puts, kept)
    assert outcome(settled(sparse)) == outcome(settled(quiet))


# ── what a misread sentence would do ──────────────────────────────────────────────────────────────


def every_credit(rows: Sequence[Any]) -> Any:
    """Credits that name a return count too."""
    return sum(row.quantity if row.kind == "sale" else -row.quantity for row in rows)


def by_arrival(facts: Sequence[Fact], key: Key) -> list[InvoiceRow]:
    """The last invoice is the one that came last, whenever it occurred."""
    return [replace(row, occurred_at=LONG_AGO) for row in invoice_rows(facts, key)]


def unless_settled(office: Office, key: tuple[str, ...]) -> bool:
    """A withdrawn line comes back, and so does one whose dispute is open."""
    return all(line.state == "disputed" for line in office.listed(key))


def drawn_when_paid(office: Office, hospital: str) -> int:
    """A payment under way reserves nothing."""
    mine = [one for one in office.payments.values() if one.hospital_id == hospital]
    return sum(one.from_prepaid_fen for one in mine if one.state == "paid")


def nothing(*_: Any) -> None:
    """The rule does not exist."""


def never(*_: Any) -> bool:
    """The case does not exist."""
    return False


def month_after_next(month: str) -> datetime:
    """A receipt of the first second of the next month still belongs to this one."""
    return END(month) + timedelta(microseconds=1)


END = drafting.month_end
LONG_AGO = END("2025-01")
MISREADINGS: dict[str, tuple[Any, str, Any]] = {
    "a credit that names a return counts": (matching, "net_quantity", every_credit),
    "the last invoice is the last that came": (matching, "invoice_rows", by_arrival),
    "a month holds its own end": (drafting, "month_end", month_after_next),
    "what is negative is never carried": (drafting, "carry_forward", nothing),
    "withdrawn is not for good": (drafting, "free", unless_settled),
    "a return stays without its receipt line": (disputes, "take_returns_along", nothing),
    "no second statement": (drafting, "held_back", never),
    "nothing is held when it is approved": (flow, "route", nothing),
    "a lift moves nothing": (suspensions, "route", nothing),
    "a suspended payee can be paid": (flow, "holding", never),
    "nothing is reserved": (prepayments, "used", drawn_when_paid),
    "amounts are cut": (money, "half_up", floor),
    "the hospital has six days": (timers, "PATIENCE", timers.PATIENCE | {"draft": 6}),
    "a month is drafted on the sixth day": (drafting, "POLICY_DAY", 6),
}


@pytest.mark.parametrize("reading", MISREADINGS)
def test_a_misread_sentence_shows_in_some_season(
    reading: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = {seed: end(seed) for seed in SEEDS}
    monkeypatch.setattr(*MISREADINGS[reading])
    assert any(shows(seed, ends[seed]) for seed in SEEDS)


def shows(seed: int, right: list[Any]) -> bool:
    """Whether the end of a season is another, or cannot be reached at all."""
    try:
        return outcome(settled(told(seed))) != right
    except AssertionError:
        return True


# ── how a product is compared ─────────────────────────────────────────────────────────────────────


def disguised(value: Any, ids: set[str], hide: Callable[[str], str]) -> Any:
    """A document or a request as one would look that has ids of its own."""
    if isinstance(value, dict):
        return {key: disguised(one, ids, hide) for key, one in value.items()}
    if isinstance(value, list):
        return [disguised(one, ids, hide) for one in value]
    if isinstance(value, str):
        return "/".join(hide(part) if part in ids else part for part in value.split("/"))
    return value


def hidden(text: str) -> str:
    """An id that tells nothing."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def ids_of(office: Office) -> set[str]:
    """Every id that the product would choose."""
    found = {line.line_id for one in office.statements for line in one.lines}
    found |= {one.statement_id for one in office.statements} | set(office.payments)
    found |= {one.dispute_id for one in office.disputes}
    return found | {one.entry_id for one in office.ledger.entries}


def test_requests_in_our_ids_are_turned_into_theirs() -> None:
    names, known, turned = Names(), set[str](), 0
    for one in play(told(1)):
        ids = ids_of(one.office)
        if one.step[0] == "ask":
            theirs = [disguised(part, ids, hidden) for part in one.step[3:]]
            assert names.turned(list(one.step[3:])) == theirs
            turned += theirs != list(one.step[3:])
        if ids != known:
            known, shown = ids, outcome(one.office)
            other = disguised(shown, ids, hidden)
            names.learn_statements(shown[0], other[0])
            names.learn_entries(shown[3], other[3])
            for mine, its in zip(shown[2], other[2], strict=True):
                names.learn_dispute(mine, its)
            assert list(map(plain, shown[0])) == list(map(plain, other[0]))
    assert turned > 50

"""A statement from its draft to its payment, as sentences; and what holds after any steps at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.settlement.domain import stepping
from services.settlement.domain.disputing import NamedLine, marked, opened
from services.settlement.domain.drafting import (
    Pair,
    Sums,
    carried_forward,
    draft_instant,
    drafted,
    month_before,
)
from services.settlement.domain.posting import POSTING, entries_of
from services.settlement.domain.routing import held, released
from services.settlement.domain.rules import SETTLING
from services.settlement.domain.statement import StatementStream
from shared.events import statements as facts
from shared.kernel.clock import local_text, parse_instant
from shared.kernel.decider import Decided
from shared.kernel.entries import check
from shared.kernel.errors import Refusal
from shared.store.calendar_files import shipped_calendar
from tests.settlement.months import FEBRUARY, HOSPITAL, PAYEE, TERMS, instant_of

CALENDAR = shipped_calendar()
AT = instant_of(FEBRUARY)
ZHANG, WU = "zhang", "wu"


@dataclass
class Story:
    """One statement, and all that was recorded of it."""

    state: StatementStream
    told: list[Decided] = field(default_factory=list)
    now: datetime = AT

    def takes(self, decided: Sequence[Decided]) -> list[str]:
        """Record these facts, through the bytes as they are stored; the last words of their types."""
        for one in decided:
            state = SETTLING.decode(SETTLING.encode(self.state))
            evolved = SETTLING.evolve(state, one.type, one.fact)
            assert isinstance(evolved, StatementStream)
            self.state = evolved
            self.told.append(one)
        return [one.type.split(".")[2] for one in decided]

    def confirms(self, side: facts.Side) -> list[str]:
        return self.takes(stepping.confirm(self.state, side, side, self.now, CALENDAR, TERMS))

    def approves(self, *, is_suspended: bool = False) -> list[str]:
        by = "bureau:360100/zhang"
        return self.takes(
            stepping.approve(self.state, ZHANG, by, self.now, is_suspended=is_suspended)
        )

    def pays(self, person: str = WU, *, is_suspended: bool = False, prepaid: int = 0) -> list[str]:
        given_ = {"is_suspended": is_suspended, "prepaid_fen": prepaid}
        by = f"finance:360100/{person}"
        return self.takes(stepping.pay(self.state, person, by, self.now, **given_))

    def hears(self, result: Any, payment: int = 1, *, is_suspended: bool = False) -> list[str]:
        word = stepping.BankWord(f"{self.state.statement_id}-p{payment}", result)
        by = "finance:360100/wu"
        return self.takes(
            stepping.report(self.state, word, by, self.now, is_suspended=is_suspended)
        )

    def disputes(self, *amounts: int) -> list[str]:
        named = [NamedLine(str(number), fen, False) for number, fen in enumerate(amounts)]
        dispute = opened(self.state, named, "少货", HOSPITAL, self.now)
        return self.takes([marked(self.state, dispute.fact, named)])

    def waits(self, at: datetime) -> list[str]:
        """What happens by itself until then."""
        _, done = SETTLING.until(SETTLING.decode(SETTLING.encode(self.state)), at, None)  # type: ignore[arg-type] # no rule of a statement asks
        self.now = max(self.now, at)
        return self.takes(done)

    def history(self) -> list[str]:
        return [step.type for step in self.state.history]


def story(receipts: int = 1000, returns: int = 0, carried: int = 0) -> Story:
    """Drafted for February, of these sums."""
    sums = Sums(1, 1 if returns else 0, receipts, returns, carried, ["x"] if carried else [])
    decided = drafted(Pair(HOSPITAL, PAYEE, False), FEBRUARY, sums, AT, CALENDAR, TERMS)
    state = SETTLING.evolve(None, decided.type, decided.fact)
    assert isinstance(state, StatementStream)
    return Story(state, [decided])


def approved(**sums: int) -> Story:
    told = story(**sums)
    told.confirms("hospital")
    told.confirms("payee")
    told.approves()
    return told


def refused(act: Callable[[], Any]) -> str:
    """The code of a refusal."""
    with pytest.raises(Refusal) as caught:
        act()
    return caught.value.code


# ── when ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("month", "at"),
    [
        ("2026-02", "2026-03-06T00:00:00+08:00"),
        ("2026-03", "2026-04-08T00:00:00+08:00"),  # Qingming: the 4th to the 6th
        (
            "2026-04",
            "2026-05-11T00:00:00+08:00",
        ),  # Labour Day: until the 5th; Saturday the 9th works
        ("2026-12", "2027-01-08T00:00:00+08:00"),  # a year that nobody has announced
    ],
)
def test_a_month_is_drafted_at_the_beginning_of_the_fifth_working_day(month: str, at: str) -> None:
    assert local_text(draft_instant(month, CALENDAR, TERMS)) == at


def test_the_month_before_a_day_is_that_of_the_last_of_the_month_before() -> None:
    assert month_before(date(2026, 3, 31)) == "2026-02"
    assert month_before(date(2026, 1, 1)) == "2025-12"


def test_a_draft_is_dated_at_its_instant_and_waits_five_working_days_for_the_hospital() -> None:
    told = story(1000, -300, -100)
    assert (told.state.state, told.state.began, told.state.total_fen) == ("draft", AT, 600)
    assert told.state.due == parse_instant("2026-03-14T00:00:00+08:00")


# ── the way ───────────────────────────────────────────────────────────────────────────────────────


def test_both_confirm_the_bureau_approves_finance_pays_the_bank_has_paid() -> None:
    told = story()
    assert told.confirms("hospital") == ["statement_confirmed"]
    assert told.state.state == "hospital_confirmed"
    assert told.confirms("payee") == ["statement_confirmed"]
    assert told.approves() == ["statement_approved"]
    assert told.pays(prepaid=300) == ["payment_ordered"]
    [payment] = told.state.payments
    assert (payment.from_prepaid_fen, payment.from_fund_fen) == (300, 700)
    assert told.hears("paid") == ["payment_reported"]
    assert told.state.state == "paid"
    assert told.history() == [
        "drafted", "hospital_confirmed", "confirmed", "approved", "paying", "paid",
    ]  # fmt: skip
    assert len({one.event_id for one in told.told}) == len(told.told)


def test_nobody_goes_before_his_turn() -> None:
    told = story()
    for step in (lambda: told.confirms("payee"), told.approves, told.pays):
        assert refused(step) == "wrong_state"
    told.confirms("hospital")
    assert refused(told.approves) == refused(told.pays) == "wrong_state"
    told.confirms("payee")
    assert refused(told.pays) == "wrong_state"
    told.approves()
    assert refused(lambda: told.disputes(1)) == "wrong_state"


def test_the_same_step_again_changes_nothing_however_late() -> None:
    told = approved()
    told.pays()
    for _ in range(2):
        assert told.confirms("hospital") == told.confirms("payee") == told.approves() == []
        assert told.pays() == told.pays("li") == []
        told.hears("paid")
    assert told.history().count("paid") == 1
    assert refused(lambda: told.hears("failed")) == "conflicting_result"


def test_a_failed_payment_can_be_ordered_again_and_its_word_stays() -> None:
    told = approved()
    told.pays()
    assert told.hears("failed") == ["payment_reported"]
    assert told.state.state == "approved"
    assert told.hears("failed") == []
    assert told.pays(prepaid=5) == ["payment_ordered"]
    assert [p.payment_id[-2:] for p in told.state.payments] == ["p1", "p2"]
    assert refused(lambda: told.hears("paid", 1)) == "conflicting_result"
    assert told.hears("failed", 1) == []
    assert told.hears("paid", 2) == ["payment_reported"]


def test_who_approved_never_pays_and_is_told_so_first() -> None:
    told = approved()
    assert refused(lambda: told.pays(ZHANG)) == "same_person"
    assert refused(lambda: told.pays(ZHANG, is_suspended=True)) == "same_person"
    told.pays()
    assert refused(lambda: told.pays(ZHANG)) == "same_person"
    told.hears("paid")
    assert refused(lambda: told.pays(ZHANG)) == "same_person"


@pytest.mark.parametrize("sums", [(300, -300, 0), (300, -400, 0), (300, 0, -300), (0, -1, -5)])
def test_where_nothing_is_to_be_paid_nothing_is_confirmed_and_the_total_is_carried(
    sums: tuple[int, int, int],
) -> None:
    told = story(*sums)
    for step in (lambda: told.confirms("hospital"), lambda: told.confirms("payee"), told.approves):
        assert refused(step) == "nothing_to_pay"
    assert refused(told.pays) == "wrong_state"
    told.takes(carried_forward(told.state, AT + timedelta(days=30)))
    assert told.state.state == "carried_forward"
    assert told.told[-1].fact.total_fen == sum(sums)


def test_a_dispute_may_leave_nothing_to_pay_to_who_had_confirmed() -> None:
    told = story(1000)
    told.confirms("hospital")
    told.disputes(1000)
    assert told.confirms("hospital") == []
    assert refused(lambda: told.confirms("payee")) == "nothing_to_pay"


# ── suspension ────────────────────────────────────────────────────────────────────────────────────


def test_what_is_suspended_is_approved_into_the_held_account_and_not_paid_from_there() -> None:
    told = story()
    told.confirms("hospital")
    told.confirms("payee")
    assert told.approves(is_suspended=True) == ["statement_approved", "statement_held"]
    assert refused(lambda: told.pays(is_suspended=True)) == "payee_suspended"
    told.takes([released(told.state, AT)])
    assert told.pays() == ["payment_ordered"]


def test_what_lies_held_though_nothing_holds_it_any_more_comes_back_with_its_payment() -> None:
    told = story()
    told.confirms("hospital")
    told.confirms("payee")
    told.approves(is_suspended=True)
    assert told.pays() == ["statement_released", "payment_ordered"]
    assert balances(told)["payable"] == 1000


def test_a_payment_under_way_goes_on_and_one_that_fails_meanwhile_is_held() -> None:
    told = approved()
    told.pays()
    assert told.pays(is_suspended=True) == []
    assert told.hears("failed", is_suspended=True) == ["payment_reported", "statement_held"]
    assert told.state.is_held
    again = approved()
    again.pays()
    assert again.hears("paid", is_suspended=True) == ["payment_reported"]


# ── reminders ─────────────────────────────────────────────────────────────────────────────────────


def test_each_side_is_reminded_once_at_the_end_of_its_working_days() -> None:
    told = story()
    due = parse_instant("2026-03-14T00:00:00+08:00")
    assert told.waits(due - timedelta(microseconds=1)) == []
    assert told.waits(due) == ["statement_reminded"]
    assert told.waits(due + timedelta(days=99)) == []
    told.now = parse_instant("2026-03-16T10:00:00+08:00")
    told.confirms("hospital")
    assert told.waits(parse_instant("2026-03-20T00:00:00+08:00")) == ["statement_reminded"]
    told.now = parse_instant("2026-03-20T09:00:00+08:00")
    told.confirms("payee")
    assert told.waits(parse_instant("2026-03-28T00:00:00+08:00")) == ["statement_reminded"]
    told.approves()
    assert told.waits(AT + timedelta(days=999)) == []
    assert told.history().count("reminded") == 3


def test_asleep_or_awake_the_reminder_is_dated_at_its_due() -> None:
    asleep, awake = story(), story()
    for hours in range(0, 24 * 30, 6):
        awake.waits(AT + timedelta(hours=hours))
    asleep.waits(AT + timedelta(days=30))
    assert asleep.told == awake.told
    assert asleep.told[-1].at == asleep.state.due


def test_nobody_is_reminded_while_nothing_is_to_be_paid() -> None:
    for told in (story(300, -300), story(300, -400), story(300, 0, -300)):
        assert told.waits(AT + timedelta(days=99)) == []


def test_a_due_that_passed_while_nothing_was_to_be_paid_stays_unsaid() -> None:
    """A disputed return lets the total rise above zero: afterwards nobody is late for that."""
    told = story(300, -400)
    told.now = AT + timedelta(days=40)
    told.disputes(-400)
    assert told.state.total_fen == 300
    assert told.waits(AT + timedelta(days=99)) == []
    early = story(300, -400)
    early.now = AT + timedelta(days=1)
    early.disputes(-400)
    assert early.waits(AT + timedelta(days=99)) == ["statement_reminded"]


def test_a_due_that_is_born_in_the_past_is_reminded_of_at_once() -> None:
    """A draft that was made up for late bears the instant of its month, and so does its due."""
    told = story()
    told.now = AT + timedelta(days=60)
    assert told.waits(told.now) == ["statement_reminded"]
    assert told.told[-1].at == told.state.due < told.now


# ── whatever happens ──────────────────────────────────────────────────────────────────────────────

flags = st.booleans()
STEPS = st.one_of(
    st.tuples(st.just("confirms"), st.sampled_from(["hospital", "payee"])),
    st.tuples(st.just("approves"), flags),
    st.tuples(st.just("pays"), st.sampled_from([ZHANG, WU]), flags, st.sampled_from([0, 1, 5000])),
    st.tuples(st.just("hears"), st.sampled_from(["paid", "failed"]), st.integers(1, 3), flags),
    st.tuples(st.just("disputes"), st.sampled_from([(1,), (700, -300), (-300,), (1000,)])),
    st.tuples(st.just("routes"), flags),
    st.tuples(st.just("waits"), st.integers(1, 20)),
)
LIKELY = [
    ("confirms", "hospital"),
    ("confirms", "payee"),
    ("approves", False),
    ("pays", WU, False, 5),
    ("hears", "paid", 1, False),
]


def try_to(told: Story, step: tuple[Any, ...]) -> None:
    """Take a step if the rules let it be taken."""
    match step:
        case ("confirms", side):
            told.confirms(side)
        case ("approves", flag):
            told.approves(is_suspended=flag)
        case ("pays", person, flag, prepaid):
            told.pays(person, is_suspended=flag, prepaid=prepaid)
        case ("hears", result, payment, flag) if payment <= len(told.state.payments):
            told.hears(result, payment, is_suspended=flag)
        case ("disputes", amounts) if takes_out(told.state, amounts):
            told.disputes(*amounts)
        case ("routes", is_back) if told.state.state == "approved":
            if told.state.in_held and not is_back:
                told.takes([released(told.state, told.now)])
            elif is_back and not told.state.in_held:
                told.takes([held(told.state, told.now)])
        case ("waits", days):
            told.waits(told.now + timedelta(days=days))


def takes_out(state: StatementStream, amounts: Sequence[int]) -> bool:
    """Whether a statement can have such lines left."""
    more = sum(fen for fen in amounts if fen > 0) <= state.receipts_fen
    return more and sum(fen for fen in amounts if fen < 0) >= state.returns_fen


def balances(told: Story) -> Counter[str]:
    """Every account after all facts: credits less debits, by the account's last name."""
    left: Counter[str] = Counter()
    for one in told.told:
        for entry in entries_of(one.type, one.fact) if one.type in POSTING else []:
            check(entry)
            for posting in entry.postings:
                name = posting.account.split(":")[-1]
                left[name] += posting.credit_fen - posting.debit_fen
    return left


@settings(max_examples=400, deadline=None)
@given(
    sums=st.sampled_from([(1000, 0, 0), (1000, -300, 0), (1000, -300, -200), (300, -300, 0)]),
    steps=st.lists(STEPS, max_size=14),
    likely=st.integers(0, 5),
)
def test_whatever_is_tried_the_money_stays_right(
    sums: tuple[int, int, int], steps: list[tuple[Any, ...]], likely: int
) -> None:
    told = story(*sums)
    # Most random steps are refused: so many of the right ones are woven in.
    for place, step in enumerate(LIKELY[:likely]):
        steps.insert(min(2 * place, len(steps)), step)
    for step in steps:
        before = len(told.told)
        try:
            try_to(told, step)
        except Refusal:
            assert len(told.told) == before
        state = told.state
        assert state.total_fen == state.receipts_fen + state.returns_fen + state.carried_fen
        under_way = [p for p in state.payments if p.state == "paying"]
        assert len(under_way) == (state.state == "paying")
        assert [p.state for p in state.payments].count("paid") == (state.state == "paid")
        assert all(p.from_prepaid_fen + p.from_fund_fen == state.total_fen for p in under_way)
        left = balances(told)
        assert sum(left.values()) == 0
        is_owed = state.state in ("approved", "paying")
        assert left["payable"] + left["held"] == (state.total_fen if is_owed else 0)
        assert left["held"] == (state.total_fen if state.in_held else 0)
        assert -left["goods_receivable"] == (
            state.total_fen if is_owed or state.state == "paid" else 0
        )
    ids = [one.event_id for one in told.told]
    assert len(set(ids)) == len(ids)
    assert all(one.at.tzinfo is UTC or one.at.utcoffset() is not None for one in told.told)

"""The draft of a month: what enters which statement, and what is carried (对账单生成, 结转).

Readings
- The policy day's 00:00 is read as the beginning of that day: what is recorded at exactly that
  instant is too late, and the state `draft` begins on that day.
- "Recorded" is when we stored it, for an importer's facts too, though they are judged otherwise.
- Months are drafted whose draft instant lies after the office's start, one after the other, every
  pool at the same instant. A receipt of long ago that was never settled enters the next draft.
- At one instant: reminders, then suspensions, then the draft; acts come after.
- A suspension "covers only some" where those in force, taken together, cover some lines and not all.
  Where they cover every line there is one statement, and it is held once its payable is.
- A receipt line that left by a dispute is free again when the dispute is resolved by `settle`. A
  return line that became disputed with it is free with it; one that was named itself needs its own.
- "Settled in a statement" is true in any state of the statement, `carried_forward` included.
- A statement that was confirmed by the hospital and then fell to 0 or below by a dispute is carried
  forward like a draft.
- Several totals may wait for one pair: all of them enter its next statement, as one sum.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from tests.oracle.calendar import start_of, working_day_after
from tests.oracle.facts import Fact
from tests.oracle.settling.goods import (
    ReceiptLine,
    confirmed_returns,
    known_before,
    receipt_lines,
)
from tests.oracle.settling.matching import match
from tests.oracle.settling.money import line_fen
from tests.oracle.settling.office import Office
from tests.oracle.settling.statements import OPEN, Line, Statement
from tests.oracle.settling.suspensions import held_back

POLICY_DAY = 5
"""The working day of the next month at whose 00:00 a month is drafted."""


def month_end(month: str) -> datetime:
    """00:00 of the first day after a month."""
    first = date.fromisoformat(f"{month}-01")
    return start_of((first + timedelta(days=31)).replace(day=1))


def month_after(month: str) -> str:
    """The next month."""
    return f"{month_end(month):%Y-%m}"


def draft_instant(month: str) -> datetime:
    """When a month is drafted: 00:00 of the 5th working day of the next one."""
    before = month_end(month).date() - timedelta(days=1)
    return start_of(working_day_after(before, POLICY_DAY))


def next_month(office: Office) -> str:
    """The month whose draft comes next."""
    if office.drafted:
        return month_after(office.drafted[-1])
    month = f"{office.start - timedelta(days=70):%Y-%m}"
    while draft_instant(month) <= office.start:
        month = month_after(month)
    return month


def draft(office: Office, month: str) -> None:
    """Every pair's statement of a month, on the facts recorded before this instant."""
    office.drafted.append(month)
    facts, end = known_before(office.orders.facts, office.now), month_end(month)
    carry_forward(office)
    receipts = receipts_of(office, facts, end)
    lines = receipts + returns_of(office, facts, end, receipts)
    for pair in sorted({line.goods.pair for line in lines}):
        mine = [line for line in lines if line.goods.pair == pair]
        apart = [line for line in mine if held_back(office, line.goods)]
        rest = [line for line in mine if line not in apart]
        if rest and apart:
            write(office, pair, month, rest)
            write(office, pair, month, apart, second=True)
        else:
            write(office, pair, month, mine)


def receipts_of(office: Office, facts: Sequence[Fact], end: datetime) -> list[Line]:
    """Every matched receipt line of before the end of the month that is free."""
    found = []
    for goods in receipt_lines(facts):
        verdict = match(goods, facts)
        if goods.occurred_at >= end or verdict.reason or not free(office, ("", *goods.key)):
            continue
        assert verdict.unit_price is not None
        assert verdict.amount_fen is not None
        price, amount_fen = verdict.unit_price, verdict.amount_fen
        found.append(Line("receipt", goods, None, goods.accepted, price, amount_fen))
    return found


def returns_of(
    office: Office, facts: Sequence[Fact], end: datetime, receipts: Sequence[Line]
) -> list[Line]:
    """Every confirmed return of before the end whose receipt line is settled, here or before."""
    found = []
    here = {line.goods.key: line for line in receipts}
    for back in confirmed_returns(facts):
        settled = office.settled_line(back.receipt_key) or here.get(back.receipt_key)
        key = (back.return_id, *back.receipt_key)
        if settled is None or back.answered_at >= end or not free(office, key):
            continue
        worth = -line_fen(back.quantity, settled.unit_price)
        price, goods = settled.unit_price, settled.goods
        found.append(Line("return", goods, back.return_id, back.quantity, price, worth))
    return found


def free(office: Office, key: tuple[str, ...]) -> bool:
    """Whether a line is in no statement, or has left it and may come again."""
    listings = office.listed(key)
    named = [one for one in office.disputes for line in one.lines if line in listings]
    return all(line.state == "disputed" for line in listings) and all(
        dispute.outcome == "settle" for dispute in named
    )


def carry_forward(office: Office) -> None:
    """What asked for no confirmation until now is carried to the pair's next statement."""
    for statement in office.statements:
        if statement.state in OPEN and statement.total_fen <= 0:
            statement.go("carried_forward", office.now, "system")


def write(
    office: Office, pair: tuple[str, str], month: str, lines: list[Line], second: bool = False
) -> Statement:
    """A new statement; the one that is not held takes what waits."""
    statement = Statement(*pair, month, second, lines, office.now, second=second)
    if not second:
        for one in office.statements:
            if one.pair == pair and one.state == "carried_forward" and one.carried_into is None:
                one.carried_into = statement.statement_id
                statement.carried_fen += one.total_fen
    statement.note("drafted", office.now, "system")
    office.statements.append(statement)
    return statement


def unmatched(office: Office, facts: Sequence[Fact]) -> list[tuple[ReceiptLine, str]]:
    """The free receipt lines that do not match as things stand, with the reason."""
    return [
        (goods, verdict.reason)
        for goods in receipt_lines(facts)
        if free(office, ("", *goods.key)) and (verdict := match(goods, facts)).reason
    ]

"""What must be true of every office at every instant, said another way than it was worked out.

`audit` returns what is wrong, in words; nothing, if all is well.
"""

from collections import Counter
from collections.abc import Iterator

from tests.oracle.settling.office import Office
from tests.oracle.settling.parties import pool_of
from tests.oracle.settling.prepayments import left
from tests.oracle.settling.statements import APPROVED, OPEN


def audit(office: Office) -> list[str]:
    """Everything that is wrong."""
    return [*books(office), *lines(office), *totals(office), *owed(office), *given(office)]


def books(office: Office) -> Iterator[str]:
    """Debits equal credits, in each entry and over all accounts."""
    for entry in office.ledger.entries:
        if sum(row[1] for row in entry.postings) != sum(row[2] for row in entry.postings):
            yield f"{entry.entry_id} is out of balance"
    everything = [office.ledger.account(one)["balance_fen"] for one in office.ledger.accounts()]
    if sum(everything) != 0:
        yield "the accounts do not cancel out"
    undone = Counter(one.reverses for one in office.ledger.entries if one.reverses)
    if any(times > 1 for times in undone.values()):
        yield "an entry was reversed twice"


def lines(office: Office) -> Iterator[str]:
    """A line is settled in at most one statement, and a return only where its receipt line is."""
    counted = Counter(line.key for one in office.statements for line in one.settled)
    yield from (f"{key} is settled {times} times" for key, times in counted.items() if times > 1)
    for one in office.statements:
        for line in one.settled:
            if line.kind == "return" and one.state in OPEN and ("", *line.goods.key) not in counted:
                yield f"{line.line_id} is deducted though its receipt line is not settled"


def totals(office: Office) -> Iterator[str]:
    """Signs, sums, and every carried total in exactly one statement."""
    for one in office.statements:
        if one.sum_of("receipt") < 0 or one.sum_of("return") > 0 or one.carried_fen > 0:
            yield f"{one.statement_id} has a sum of the wrong sign"
        if one.state == "carried_forward" and one.total_fen > 0:
            yield f"{one.statement_id} is carried though there is something to pay"
        if one.state in ("confirmed", *APPROVED) and one.total_fen <= 0:
            yield f"{one.statement_id} was confirmed though there is nothing to pay"
    given_away = {one.statement_id: 0 for one in office.statements}
    for one in office.statements:
        if one.carried_into:
            given_away[one.carried_into] += one.total_fen
    for one in office.statements:
        if given_away[one.statement_id] != one.carried_fen:
            yield f"{one.statement_id} carries what nobody gave it"
    ends = sum(one.total_fen for one in office.statements if one.carried_into is None)
    if ends != sum(line.amount_fen for one in office.statements for line in one.settled):
        yield "lines and totals do not add up"


def owed(office: Office) -> Iterator[str]:
    """What an enterprise is owed lies where it should; what was paid was paid once."""
    for payee in {one.payee_id for one in office.statements}:
        mine = [one for one in office.statements if one.payee_id == payee]
        for account, held in (("payable", False), ("held", True)):
            debt = sum(
                one.total_fen
                for one in mine
                if one.state in ("approved", "paying") and one.in_held_account == held
            )
            if balance(office, f"enterprise:{payee}:{account}") != -debt:
                yield f"the {account} of {payee} is not its statements'"
    for one in office.statements:
        paid = [payment for payment in one.payments if payment.state == "paid"]
        if len(paid) != (one.state == "paid"):
            yield f"{one.statement_id} was paid {len(paid)} times"
        for payment in one.payments:
            if payment.from_prepaid_fen + payment.from_fund_fen != one.total_fen:
                yield f"{payment.payment_id} pays something else than the total"


def given(office: Office) -> Iterator[str]:
    """Prepaid money and the fund agree with what was given and drawn."""
    for hospital in {one.hospital_id for one in office.prepayments}:
        if left(office, hospital) < 0 or balance(office, f"hospital:{hospital}:prepaid") < 0:
            yield f"{hospital} has drawn more than it was given"
    for pool in {pool_of(one.hospital_id) for one in office.statements}:
        ours = [one for one in office.prepayments if pool_of(one.hospital_id) == pool]
        spent = sum(one.amount_fen for one in ours if not one.reversed)
        spent += sum(
            payment.from_fund_fen
            for payment in office.payments.values()
            if payment.state == "paid" and pool_of(payment.hospital_id) == pool
        )
        if balance(office, f"fund:{pool}:bank") != -spent:
            yield f"the fund of {pool} has spent something else"
    for hospital in {one.hospital_id for one in office.statements}:
        debt = sum(
            one.total_fen
            for one in office.statements
            if one.hospital_id == hospital and one.state in APPROVED
        )
        owes = balance(office, f"hospital:{hospital}:goods_receivable")
        if owes + balance(office, f"hospital:{hospital}:claims_payable") != debt:
            yield f"{hospital} owes something else than its statements"


def balance(office: Office, account: str) -> int:
    """The balance of an account now."""
    return int(office.ledger.account(account)["balance_fen"])

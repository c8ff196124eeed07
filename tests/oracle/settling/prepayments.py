"""Prepayments and how a payment draws them (预付与冲抵).

Readings
- The agreed amount is exact and not rounded: 30 % of it is compared with the fen as fractions.
- "Its selected price" is that of the agreement's product in the agreement's batch for the hospital's
  division, as known now; a product that is not `main` there has none and adds nothing.
- Each prepayment by itself must reach 30 %. One of a hospital is drawn for any of its statements,
  whatever their batch: the account is the hospital's.
- A reservation ends when the bank fails the payment. "The oldest is drawn first" is read over all
  that is drawn or reserved now, so it does not remember which payment failed.
"""

from fractions import Fraction
from typing import Any

from tests.oracle.settling.office import Office, Prepayment
from tests.oracle.settling.parties import Actor, division, pool_of, sees
from tests.oracle.settling.refusals import amount, refuse_if, text
from tests.oracle.settling.statements import Payment, Statement
from tests.oracle.ticket_parties import covers

LEAST = Fraction(30, 100)


def prepay(office: Office, actor: Actor, body: Any) -> tuple[int, Any]:
    """Finance gives a hospital at least 30 % of what it has agreed in a batch."""
    hospital = text(body, "hospital_id")
    refuse_if(actor.role == "finance" and not sees(actor, hospital), 404)
    refuse_if(actor.role != "finance", 403)
    key = text(body, "prepayment_id")
    if office.heard("prepayment", key, body):
        return 200, body
    batch, fen = text(body, "batch_id"), amount(body)
    known = office.orders.world.organisation(office.now, hospital, "hospital")
    refuse_if(known is None, 422, "unknown_hospital")
    refuse_if(office.orders.world.get(office.now, "batches", batch) is None, 422, "unknown_batch")
    least = agreed_fen(office, hospital, batch) * LEAST
    refuse_if(fen < least, 422, "prepayment_below_30_percent")
    office.once("prepayment", key, body)
    office.prepayments.append(Prepayment(key, hospital, fen))
    postings = [(f"hospital:{hospital}:prepaid", fen, 0), (bank_of(hospital), 0, fen)]
    office.ledger.post(office.now, "prepayment", key, postings)
    return 201, body


def bank_of(hospital_id: str) -> str:
    """The account of the fund that pays for a hospital."""
    return f"fund:{pool_of(hospital_id)}:bank"


def agreed_fen(office: Office, hospital: str, batch: str) -> Fraction:
    """Agreed quantity x selected price over the hospital's agreements of a batch."""
    return sum(
        (
            Fraction(one["agreed_quantity"])
            * selected_price(office, batch, one["product_id"], hospital)
            * 100
            for one in office.orders.world.all(office.now, "agreements").values()
            if (one["hospital_id"], one["batch_id"]) == (hospital, batch)
        ),
        Fraction(0),
    )


def selected_price(office: Office, batch: str, product: str, hospital: str) -> Fraction:
    """The price of a product in a batch for a hospital's division; nothing where it is not main."""
    body = office.orders.world.get(office.now, "batches", batch)
    for entry in body["main"] if body else []:
        here = any(covers(code, division(hospital)) for code in entry["divisions"])
        if entry["product_id"] == product and here:
            return Fraction(entry["selected_price"])
    return Fraction(0)


def given(office: Office, hospital: str) -> list[Prepayment]:
    """A hospital's prepayments that stand, oldest first."""
    return [one for one in office.prepayments if one.hospital_id == hospital and not one.reversed]


def used(office: Office, hospital: str) -> int:
    """What is drawn, or reserved by a payment under way."""
    return sum(
        one.from_prepaid_fen
        for one in office.payments.values()
        if one.hospital_id == hospital and one.state in ("paying", "paid")
    )


def left(office: Office, hospital: str) -> int:
    """What a payment may still draw."""
    return sum(one.amount_fen for one in given(office, hospital)) - used(office, hospital)


def untouched(office: Office, prepayment: Prepayment) -> bool:
    """Whether nothing of it is drawn or reserved, the oldest being drawn first."""
    older = 0
    for one in given(office, prepayment.hospital_id):
        if one is prepayment:
            break
        older += one.amount_fen
    return used(office, prepayment.hospital_id) <= older


def reserve(office: Office, statement: Statement) -> Payment:
    """A payment: what is left of the prepaid first, the rest from the fund."""
    prepaid = min(statement.total_fen, left(office, statement.hospital_id))
    key = f"{statement.statement_id}~pay{len(statement.payments) + 1}"
    return Payment(key, statement.hospital_id, prepaid, statement.total_fen - prepaid)


def settle_payment(office: Office, statement: Statement, payment: Payment) -> None:
    """The bank has paid: the debt is gone."""
    hospital = statement.hospital_id
    postings = [
        (f"enterprise:{statement.payee_id}:payable", statement.total_fen, 0),
        (f"hospital:{hospital}:prepaid", 0, payment.from_prepaid_fen),
        (bank_of(hospital), 0, payment.from_fund_fen),
    ]
    office.ledger.post(office.now, "payment", payment.payment_id, postings)

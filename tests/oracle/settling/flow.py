"""From draft to paid: two confirmations, approval, payment, the bank's word (确认, 审核, 支付).

Readings
- Of the faults of a step: not seen 404, not yours 403, no person or the same person 422, then 409.
  A step that its side has done already is no fault and answers 200 before any 409, `nothing_to_pay`
  included; but it must name a person like the first time.
- "The same side" is the hospital, the payee, the bureau (city or province), finance (pool or
  province); which person of it repeats does not matter, save that who approved cannot ask to pay.
- "Not the same one" compares the person alone: the roles always differ.
- `nothing_to_pay` comes before `wrong_state`, and for the payee as for the hospital.
- After a failed payment the next `/pay` is a new step; the approval stands.
- `/pay` out of place is `wrong_state`; `payee_suspended` is asked only of an approved statement.
- A bank result answers 200 with the statement. An unknown payment is 422, a contrary result and a
  `bank_reference` that another payment bears are 409 (no code is named; ours is None). The same
  result again is the same whatever else it says.
- Many at once: 200, each result in the order asked, with the status and the code of the single step.
"""

from typing import Any

from tests.oracle.settling.office import Office
from tests.oracle.settling.parties import Actor, of_the_pool, sees
from tests.oracle.settling.prepayments import reserve, settle_payment
from tests.oracle.settling.refusals import Refused, refuse_if, text, whole
from tests.oracle.settling.statements import APPROVED, Statement
from tests.oracle.settling.suspensions import holding, route

MANY = 1000


def seen(office: Office, actor: Actor, statement_id: str) -> Statement:
    """The statement, where it exists for the caller."""
    for one in office.statements:
        if one.statement_id == statement_id and sees(actor, *one.pair):
            return one
    raise Refused(404)


def step(office: Office, actor: Actor, body: Any, key: str, name: str) -> tuple[int, Any]:
    """One step of one statement."""
    statement = seen(office, actor, key)
    {"confirm": confirm, "approve": approve, "pay": pay}[name](office, actor, statement)
    return 200, statement


def many(office: Office, actor: Actor, body: Any, name: str) -> tuple[int, Any]:
    """The same step for many statements, each by itself."""
    ids = body.get("statement_ids") if isinstance(body, dict) else None
    whole(isinstance(ids, list) and 0 < len(ids) <= MANY)
    assert isinstance(ids, list)
    results = []
    for key in ids:
        try:
            step(office, actor, None, key, name)
            results.append({"statement_id": key, "status": 200, "code": None})
        except Refused as refused:
            results.append({"statement_id": key, "status": refused.status, "code": refused.code})
    return 200, {"results": results}


def confirm(office: Office, actor: Actor, statement: Statement) -> None:
    """The hospital's word, then the payee's."""
    refuse_if(actor.role not in ("hospital", "distributor"), 403)
    first = actor.role == "hospital"
    said = "hospital_confirmed" if first else "confirmed"
    if any(item["type"] == said for item in statement.history):
        return
    refuse_if(statement.total_fen <= 0, 409, "nothing_to_pay")
    refuse_if(statement.state != ("draft" if first else "hospital_confirmed"), 409, "wrong_state")
    statement.go(said, office.now, actor.by)


def approve(office: Office, actor: Actor, statement: Statement) -> None:
    """The bureau's word makes it a debt; a suspension sends the payable to the held account."""
    refuse_if(not of_the_pool(actor, "bureau", statement.hospital_id), 403)
    refuse_if(actor.person is None, 422, "person_missing")
    if statement.state in APPROVED:
        return
    refuse_if(statement.total_fen <= 0, 409, "nothing_to_pay")
    refuse_if(statement.state != "confirmed", 409, "wrong_state")
    statement.go("approved", office.now, actor.by)
    statement.approved_by = actor.person
    receivable = (f"hospital:{statement.hospital_id}:goods_receivable", statement.total_fen, 0)
    payable = (f"enterprise:{statement.payee_id}:payable", 0, statement.total_fen)
    office.ledger.post(office.now, "approval", statement.statement_id, [receivable, payable])
    route(office)


def pay(office: Office, actor: Actor, statement: Statement) -> None:
    """Finance orders the payment; what is drawn from where is fixed now."""
    refuse_if(not of_the_pool(actor, "finance", statement.hospital_id), 403)
    refuse_if(actor.person is None, 422, "person_missing")
    refuse_if(actor.person == statement.approved_by, 422, "same_person")
    if statement.state in ("paying", "paid"):
        return
    refuse_if(statement.state != "approved", 409, "wrong_state")
    refuse_if(holding(office, statement), 409, "payee_suspended")
    payment = reserve(office, statement)
    office.payments[payment.payment_id] = payment
    statement.payments.append(payment)
    statement.go("paying", office.now, actor.by)


def bank_result(office: Office, actor: Actor, body: Any) -> tuple[int, Any]:
    """Paid, or back to approved; the same word again changes nothing."""
    whole(isinstance(body, dict))
    payment = office.payments.get(str(body.get("payment_id")))
    refuse_if(payment is not None and not sees(actor, *_of(office, body).pair), 404)
    refuse_if(actor.role != "finance", 403)
    text(body, "payment_id")
    whole(body.get("result") in ("paid", "failed"))
    refuse_if(payment is None, 422)
    assert payment is not None
    statement = _of(office, body)
    if payment.state == body["result"]:
        return 200, statement
    refuse_if(payment.state != "paying", 409)
    reference = body.get("bank_reference")
    taken = {one.reference for one in office.payments.values() if one.reference}
    refuse_if(reference is not None and reference in taken, 409)
    payment.state, payment.reference = body["result"], reference
    if payment.state == "paid":
        settle_payment(office, statement, payment)
        statement.go("paid", office.now, actor.by)
    else:
        statement.go("approved", office.now, actor.by, "payment_failed")
        route(office)
    return 200, statement


def _of(office: Office, body: Any) -> Statement:
    """The statement that a payment pays."""
    ours = [
        one
        for one in office.statements
        for payment in one.payments
        if payment.payment_id == body["payment_id"]
    ]
    return ours[0]

"""Suspension as a way to the held account, and back (暂停, 恢复).

Readings
- "From the beginning of that day, never earlier than now": a day that has begun means now. It is no
  fault to name a day gone by.
- "A line in scope" is a line that counts: a disputed line holds nothing back. A return is a line.
- `all` holds every statement of the payee; without `payee_id`, every statement.
- A payment under way goes on; where the bank fails it, the payable moves to the held account then.
- A statement that was split off at its draft stays `held` until a lift after which nothing holds it.
- A suspension that is lifted before it begins never begins.
- A payee that is not registered is 422; a scope of another form is `malformed`.
"""

import re
from typing import Any

from tests.oracle.calendar import start_of
from tests.oracle.settling.goods import ReceiptLine
from tests.oracle.settling.office import Office, Suspension
from tests.oracle.settling.parties import Actor, of_the_province
from tests.oracle.settling.refusals import Refused, refuse_if, text, whole
from tests.oracle.settling.statements import Statement
from tests.oracle.uscc import is_uscc
from tests.oracle.wire import Malformed, parse_day

SCOPE = re.compile(r"all|batch:.+|product:.+|manufacturer:.+")


def suspend(office: Office, actor: Actor, body: Any) -> tuple[int, Any]:
    """The province suspends; the same again changes nothing."""
    refuse_if(not of_the_province(actor, "bureau"), 403)
    key = text(body, "suspension_id")
    if office.heard("suspension", key, body):
        return 200, body
    payee, scope, decision = body.get("payee_id"), text(body, "scope"), text(body, "decision")
    whole(SCOPE.fullmatch(scope) is not None and (payee is None or is_uscc(payee)))
    try:
        begins = max(start_of(parse_day(body.get("from"))), office.now)
    except Malformed:
        raise Refused(422, "malformed") from None
    known = payee and office.orders.world.get(office.now, "organisations", payee)
    refuse_if(payee is not None and not known, 422)
    office.once("suspension", key, body)
    office.suspensions.append(Suspension(key, payee, scope, begins, decision))
    if begins <= office.now:
        begin(office, office.suspensions[-1])
    return 201, body


def begin(office: Office, suspension: Suspension) -> None:
    """It is in force from now on."""
    suspension.in_force = True
    route(office)


def lift(office: Office, actor: Actor, body: Any, key: str) -> tuple[int, Any]:
    """What no other suspension holds back moves again."""
    refuse_if(not of_the_province(actor, "bureau"), 403)
    found = [one for one in office.suspensions if one.suspension_id == key]
    refuse_if(not found, 404)
    text(body, "decision")
    if office.heard("lift", key, body):
        return 200, body
    office.once("lift", key, body)
    found[0].lifted, found[0].in_force = body["decision"], False
    route(office)
    for statement in office.statements:
        statement.apart = statement.apart and holding(office, statement)
    return 200, body


def in_scope(suspension: Suspension, line: ReceiptLine) -> bool:
    """Whether a suspension is about this line."""
    if suspension.payee_id not in (None, line.payee_id):
        return False
    kind, _, key = suspension.scope.partition(":")
    stored = {
        "batch": line.batch_id,
        "product": line.product_id,
        "manufacturer": line.manufacturer_id,
    }
    return kind == "all" or stored[kind] == key


def held_back(office: Office, line: ReceiptLine) -> bool:
    """Whether any suspension in force is about this line."""
    return any(one.in_force and in_scope(one, line) for one in office.suspensions)


def holding(office: Office, statement: Statement) -> bool:
    """Whether a suspension in force keeps this statement's payable."""
    everything = any(
        one.in_force and one.scope == "all" and one.payee_id in (None, statement.payee_id)
        for one in office.suspensions
    )
    return everything or any(held_back(office, line.goods) for line in statement.settled)


def route(office: Office) -> None:
    """Every approved payable lies where it belongs: moved there by an entry where it does not."""
    for one in sorted(office.statements, key=lambda one: one.statement_id):
        hold = holding(office, one)
        if one.state != "approved" or hold == one.in_held_account:
            continue
        payable, held = f"enterprise:{one.payee_id}:payable", f"enterprise:{one.payee_id}:held"
        source, target = (payable, held) if hold else (held, payable)
        postings = [(source, one.total_fen, 0), (target, 0, one.total_fen)]
        office.ledger.post(office.now, "hold" if hold else "release", one.statement_id, postings)
        one.in_held_account = hold
        one.note("held" if hold else "released", office.now, "system")

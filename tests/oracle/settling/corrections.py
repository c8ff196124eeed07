"""What is put right, and what can no longer be: offsets, reversals, months closed (冲抵, 冲销, 关账).

Readings
- An offset has no upper bound: it may exceed what the hospital owes. A suspension does not pause it
  (domain.md Q12 would; section 10 names all that a suspension does, and this is not among it).
- A reversal belongs to the pool of the hospital in the entry, or of the statement whose payable it
  moved or paid; finance of another pool gets 404. An
  entry of no prepayment and no offset, a reversing entry too, is 409 `not_reversible`.
- Offset and prepayment answer 201 at first; a reversal is an action and answers 200 with its entry.
- A prepayment whose entry was reversed is gone, but its id is not free: the same again is 200.
- A month has ended at its 24:00. Closing it again is 200. Finance of a pool may not: 403. Months may
  be closed in any order.
"""

import re
from typing import Any

from tests.oracle.settling.drafting import month_end
from tests.oracle.settling.ledger import Entry
from tests.oracle.settling.office import Office
from tests.oracle.settling.parties import Actor, of_the_province, sees
from tests.oracle.settling.prepayments import untouched
from tests.oracle.settling.refusals import amount, refuse_if, text, whole


def offset(office: Office, actor: Actor, body: Any) -> tuple[int, Any]:
    """What the hospital owes for goods is set against what it is owed for claims."""
    hospital = text(body, "hospital_id")
    refuse_if(actor.role == "finance" and not sees(actor, hospital), 404)
    refuse_if(actor.role != "finance", 403)
    key = text(body, "offset_id")
    if office.heard("offset", key, body):
        return 200, body
    fen = amount(body)
    known = office.orders.world.organisation(office.now, hospital, "hospital")
    refuse_if(known is None, 422, "unknown_hospital")
    office.once("offset", key, body)
    claims, goods = f"hospital:{hospital}:claims_payable", f"hospital:{hospital}:goods_receivable"
    office.ledger.post(office.now, "offset", key, [(claims, fen, 0), (goods, 0, fen)])
    return 201, body


def reverse(office: Office, actor: Actor, body: Any, key: str) -> tuple[int, Any]:
    """One reversing entry, of a prepayment that nobody draws or of an offset."""
    found = [one for one in office.ledger.entries if one.entry_id == key]
    refuse_if(actor.role != "finance", 404 if actor.role == "hospital" else 403)
    refuse_if(not found or not all(sees(actor, one) for one in hospitals_of(office, found[0])), 404)
    entry = found[0]
    text(body, "reason")
    if office.heard("reverse", key, body):
        return 200, next(one for one in office.ledger.entries if one.reverses == key)
    if ("reverse", key) not in office.said:
        refuse_if(not reversible(office, entry), 409, "not_reversible")
    office.once("reverse", key, body)
    swapped = [(account, credit, debit) for account, debit, credit in entry.postings]
    office.ledger.post(office.now, "reversal", entry.business, swapped, reverses=key)
    for one in office.prepayments:
        if entry.kind == "prepayment" and one.prepayment_id == entry.business:
            one.reversed = True
    return 200, office.ledger.entries[-1]


def hospitals_in(entry: Entry) -> list[str]:
    """The hospitals whose accounts an entry touches."""
    return [row[0].split(":")[1] for row in entry.postings if row[0].startswith("hospital:")]


def hospitals_of(office: Office, entry: Entry) -> list[str]:
    """The hospitals that an entry is about: of a move or a payment, its statement's."""
    about = [one.hospital_id for one in office.statements if one.statement_id == entry.business]
    if entry.business in office.payments:
        about = [office.payments[entry.business].hospital_id]
    return hospitals_in(entry) or about


def reversible(office: Office, entry: Entry) -> bool:
    """Whether an entry may still be undone."""
    if entry.kind == "offset":
        return True
    prepaid = [one for one in office.prepayments if one.prepayment_id == entry.business]
    return entry.kind == "prepayment" and untouched(office, prepaid[0])


def close(office: Office, actor: Actor, body: Any, month: str) -> tuple[int, Any]:
    """Entries dated in that month are refused from then on."""
    refuse_if(not of_the_province(actor, "finance"), 403)
    whole(re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month, re.ASCII) is not None)
    refuse_if(office.now < month_end(month), 409, "month_not_ended")
    office.ledger.closed.add(month)
    return 200, {"month": month, "closed": True}

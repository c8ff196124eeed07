"""What may be read: statements, the unmatched, disputes, accounts and entries.

Readings
- A list holds what its caller sees; a manufacturer, whose column says "none", is refused it with 403,
  and a single thing with 404. Lists are ordered by our ids, which are not the product's; pages are not
  modelled.
- `unmatched` stands on every fact recorded by now, whatever month it is of. A line that matches and
  waits for its draft is not in it, nor one that is settled, disputed or withdrawn.
- Ledger and accounts: hospitals get 404, manufacturers 403; a distributor its own two accounts; a city's bureau and
  finance the accounts of their pool, not an enterprise's; the province and those who see all, all.
- Entries: those whose every account the caller sees.
"""

from datetime import date
from typing import Any

from tests.oracle.settling.drafting import unmatched
from tests.oracle.settling.flow import seen
from tests.oracle.settling.office import Office
from tests.oracle.settling.parties import PROVINCE, Actor, pool_of, sees
from tests.oracle.settling.refusals import Refused, refuse_if
from tests.oracle.settling.statements import Statement
from tests.oracle.settling.timers import due, overdue
from tests.oracle.wire import Malformed, parse_day

Query = dict[str, str]


def shown(statement: Statement) -> dict[str, Any]:
    """A statement's document, with its due."""
    limit = due(statement)
    asks = limit is not None and statement.total_fen > 0
    return {**statement.document(), "due": {statement.state: limit} if asks else {}}


def has_a_part(actor: Actor) -> None:
    """Manufacturers have none in settlement."""
    refuse_if(actor.role == "manufacturer", 403)


def statement(office: Office, actor: Actor, query: Query, key: str) -> tuple[int, Any]:
    """One statement."""
    return 200, seen(office, actor, key)


def statements(office: Office, actor: Actor, query: Query) -> tuple[int, Any]:
    """Those that the caller sees, filtered."""
    has_a_part(actor)
    found = [
        shown(one)
        for one in sorted(office.statements, key=lambda one: one.statement_id)
        if sees(actor, *one.pair)
        and all(
            getattr(one, name) == query[name]
            for name in ("month", "hospital_id", "payee_id", "state")
            if name in query
        )
        and ("overdue" not in query or overdue(office, one) == (query["overdue"] == "true"))
    ]
    return 200, {"items": found}


def unmatched_lines(office: Office, actor: Actor, query: Query) -> tuple[int, Any]:
    """Receipt lines that nobody can settle yet, with the reason."""
    has_a_part(actor)
    items = [
        {
            "order_id": line.order_id,
            "order_line_id": line.line_id,
            "receipt_id": line.receipt_id,
            "quantity": line.accepted,
            "reason": reason,
        }
        for line, reason in unmatched(office, office.orders.facts)
        if sees(actor, *line.pair)
        and query.get("hospital_id", line.hospital_id) == line.hospital_id
        and query.get("payee_id", line.payee_id) == line.payee_id
    ]
    items.sort(key=lambda item: (item["order_id"], item["receipt_id"], item["order_line_id"]))
    return 200, {"items": items}


def disputes(office: Office, actor: Actor, query: Query) -> tuple[int, Any]:
    """The disputes that the caller sees, open or resolved."""
    has_a_part(actor)
    items = [one for one in office.disputes if sees(actor, *one.statement.pair)]
    documents = [one.document() for one in items]
    state = query.get("state")
    return 200, {"items": [one for one in documents if state in (None, one["state"])]}


def account(office: Office, actor: Actor, query: Query, name: str) -> tuple[int, Any]:
    """An account's two sides at the end of a day."""
    has_a_part(actor)
    try:
        day: date | None = parse_day(query["as_of"]) if "as_of" in query else None
    except Malformed:
        raise Refused(422, "malformed") from None
    found = office.ledger.account(name, day)
    refuse_if(not sees_account(actor, name), 404)
    return 200, found


def entries(office: Office, actor: Actor, query: Query) -> tuple[int, Any]:
    """The entries whose every account the caller sees."""
    has_a_part(actor)
    refuse_if(actor.role == "hospital", 404)
    found = [
        one.document()
        for one in office.ledger.entries
        if all(sees_account(actor, row[0]) for row in one.postings)
    ]
    return 200, {"items": found}


def sees_account(actor: Actor, name: str) -> bool:
    """Whether an account exists for the caller."""
    kind, owner, *_ = name.split(":")
    if actor.role == "hospital":
        return False
    if actor.role == "distributor":
        return kind == "enterprise" and owner == actor.organisation
    if actor.role in ("bureau", "finance") and actor.organisation != PROVINCE:
        pool = pool_of(owner) if owner.startswith("H") else owner
        return kind != "enterprise" and pool == actor.organisation
    return True

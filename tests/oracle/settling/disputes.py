"""Disputed lines leave the total while the rest goes on (争议处理).

Readings
- `line_ids` may name return lines too. A line that is named twice, or no line, is `malformed`; one
  that the statement does not hold is 422 `unknown_line`; one that is disputed already is 409.
- A dispute lists the lines that were named; a return that goes with its receipt line is not added.
- A return follows its receipt line in statements that are `draft` or `hospital_confirmed`. In one
  that is confirmed, or carried forward, it stays as it is, and never enters another.
- A dispute changes no state, no clock, and nothing that was carried.
- `resolve` needs no statement in any state: its statement may be paid by then.
- Only the bureau of the pool (or the province) resolves; it may not raise a dispute.
"""

from typing import Any

from tests.oracle.settling.flow import seen
from tests.oracle.settling.office import Dispute, Office
from tests.oracle.settling.parties import Actor, of_the_pool, sees
from tests.oracle.settling.refusals import refuse_if, text, whole
from tests.oracle.settling.statements import OPEN


def dispute(office: Office, actor: Actor, body: Any, key: str) -> tuple[int, Any]:
    """The hospital or the payee contests lines before both have confirmed."""
    statement = seen(office, actor, key)
    refuse_if(actor.role not in ("hospital", "distributor"), 403)
    reason, ids = text(body, "reason"), body.get("line_ids")
    whole(isinstance(ids, list) and len(ids) > 0 and all(isinstance(one, str) for one in ids))
    whole(len(set(ids)) == len(ids))
    ours = {line.line_id: line for line in statement.lines}
    refuse_if(any(one not in ours for one in ids), 422, "unknown_line")
    lines = [ours[one] for one in ids]
    refuse_if(statement.state not in OPEN, 409, "wrong_state")
    refuse_if(any(line.state == "disputed" for line in lines), 409)
    made = Dispute(f"{key}~dispute{len(office.disputes) + 1}", statement, lines, reason)
    office.disputes.append(made)
    for line in lines:
        line.state = "disputed"
    statement.note("disputed", office.now, actor.by)
    take_returns_along(office)
    return 201, made


def take_returns_along(office: Office) -> None:
    """A return is deducted only while its receipt line is settled."""
    for statement in office.statements:
        for line in statement.settled:
            alone = line.kind == "return" and office.settled_line(line.goods.key) is None
            if alone and statement.state in OPEN:
                line.state = "disputed"


def resolve(office: Office, actor: Actor, body: Any, key: str) -> tuple[int, Any]:
    """The bureau lets the lines come again, or keeps them out for good."""
    found = [one for one in office.disputes if one.dispute_id == key]
    refuse_if(not found or not sees(actor, *found[0].statement.pair), 404)
    refuse_if(not of_the_pool(actor, "bureau", found[0].statement.hospital_id), 403)
    outcome = text(body, "outcome")
    whole(outcome in ("settle", "withdraw"))
    if not office.heard("resolve", key, body):
        office.once("resolve", key, body)
        found[0].outcome = outcome
    return 200, found[0]

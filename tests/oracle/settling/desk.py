"""The door: one request of the outside at an instant, answered as section 10 says.

Everything that is due by then has happened before it. A request that is refused changes nothing.

Not modelled: signatures, pages and cursors, idempotency keys, bulk files, hash chain and roots,
calendar years loaded later, factoring, the hospital-pays mode, and who reads `GET` of retention.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from tests.oracle.orders import Orders, Verdict
from tests.oracle.settling import (
    corrections,
    disputes,
    flow,
    prepayments,
    reading,
    retention,
    suspensions,
)
from tests.oracle.settling.ledger import Entry
from tests.oracle.settling.office import Dispute, Office
from tests.oracle.settling.parties import actor_of
from tests.oracle.settling.refusals import Answer, Refused
from tests.oracle.settling.statements import Statement
from tests.oracle.settling.timers import advance
from tests.oracle.world import World

BASE = "/settlement/v1"
ONE = "([^/:]+(?::[^/]+)*)"
Handler = Callable[..., tuple[int, Any]]

ROUTES: list[tuple[str, str, Handler]] = [
    ("POST", f"/statements/{ONE}/(confirm|approve|pay)", flow.step),
    ("POST", "/statements:(confirm|approve|pay)", flow.many),
    ("POST", "/bank-results", flow.bank_result),
    ("POST", f"/statements/{ONE}/dispute", disputes.dispute),
    ("POST", f"/disputes/{ONE}/resolve", disputes.resolve),
    ("POST", "/suspensions", suspensions.suspend),
    ("POST", f"/suspensions/{ONE}/lift", suspensions.lift),
    ("POST", "/prepayments", prepayments.prepay),
    ("POST", "/offsets", corrections.offset),
    ("POST", f"/entries/{ONE}/reverse", corrections.reverse),
    ("POST", f"/months/{ONE}/close", corrections.close),
    ("PUT", rf"/retention-inputs/{ONE}/(\d{{4}})/{ONE}", retention.put_inputs),
    ("POST", "/retentions:calculate", retention.calculate),
    ("GET", "/statements", reading.statements),
    ("GET", f"/statements/{ONE}", reading.statement),
    ("GET", "/unmatched", reading.unmatched_lines),
    ("GET", "/disputes", reading.disputes),
    ("GET", f"/accounts/{ONE}", reading.account),
    ("GET", "/entries", reading.entries),
]


def opened(world: World, start: datetime) -> Office:
    """An office that has done nothing, over the orders of a place."""
    return Office(Orders(world), start)


def request(
    office: Office, at: datetime, actor: str | None, method: str, path: str, body: Any = None
) -> Answer:
    """One request; `path` may bear a query, and then the body is not looked at."""
    advance(office, at)
    where, _, query = path.removeprefix(BASE).partition("?")
    try:
        who = actor_of(actor)
        for verb, pattern, handler in ROUTES:
            match = re.fullmatch(pattern, where)
            if verb == method and match:
                said = dict(parse_qsl(query)) if method == "GET" else body
                status, resource = handler(office, who, said, *match.groups())
                return Answer(status, None, document(resource))
    except Refused as refused:
        return Answer(refused.status, refused.code)
    return Answer(404)


def post_events(office: Office, at: datetime, actor: str, events: list[Any]) -> list[Verdict]:
    """A batch for `POST /orders/v1/events`, judged as the oracle of orders does."""
    advance(office, at)
    return office.orders.post(at, actor, events)


def document(resource: Any) -> Any:
    """What stands in the body of an answer."""
    if isinstance(resource, Statement):
        return reading.shown(resource)
    if isinstance(resource, (Dispute, Entry)):
        return resource.document()
    return resource

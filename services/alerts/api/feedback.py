"""The tickets behind `feedback.v1` over HTTP (工单证据), and what changed a published one (工单重述)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.alerts.api.causes import Moved
from services.alerts.api.question import Days, EvidenceQuery, hit_of
from services.alerts.api.reading import ids_behind
from services.alerts.domain.feedback import ticket_caused_by, ticket_decided_by, ticket_due
from services.alerts.domain.restating import Figure
from services.alerts.domain.ticket import ticket_from_bytes
from services.alerts.policy import FEEDBACK
from services.alerts.projections.feedback import CountedTicket, counted_tickets
from services.alerts.projections.restated_tickets import ChangedTicket, changed_tickets
from services.alerts.projections.scope import TOTAL, Scope
from shared.events.envelope import Cause
from shared.kernel.clock import utc_text
from shared.runtime.pages import cursor, page


async def page_of_tickets(
    connection: Any, scope: Scope, days: Days, query: EvidenceQuery
) -> dict[str, Any]:
    """The counted tickets of a question, by id."""
    behind = ids_behind(query.after, 1)
    found = await counted_tickets(
        connection,
        scope,
        days.first,
        days.last,
        hit=hit_of(query),
        after=behind[0] if behind else None,
        limit=query.limit,
    )
    last = cursor(found[-1].ticket_id) if found else None
    return page([ticket_item(one) for one in found], query.limit, last)


def ticket_item(counted: CountedTicket) -> dict[str, Any]:
    """A counted ticket as a document."""
    facts = ticket_from_bytes(counted.facts)
    due = ticket_due(facts)
    return {
        "order_id": None,
        "line_id": None,
        "ticket_id": counted.ticket_id,
        "due_at": None if due is None else utc_text(due),
        "outcome": "hit" if counted.solved else "miss",
        "numerator": int(counted.solved),
        "denominator": 1,
        "decided_by": [{"source": c.source, "id": c.id} for c in ticket_decided_by(facts)],
    }


async def ticket_causes_of(
    tx: Any, scope: Scope, moved: Moved, figures: Sequence[Figure]
) -> dict[Figure, list[Cause]]:
    """What came to be known since on the tickets behind these figures, by ticket (原因)."""
    found: dict[Figure, dict[Cause, None]] = {f: {} for f in figures if f.rate == FEEDBACK}
    if not found:
        return {}
    async for ticket in changed_tickets(tx, scope, moved.number, moved.window):
        touched = [figure for figure in found if _is_about(ticket, figure)]
        if not touched:
            continue
        then = None if ticket.facts_then is None else ticket_from_bytes(ticket.facts_then)
        causes = ticket_caused_by(then, ticket_from_bytes(ticket.facts_now))
        for figure in touched:
            found[figure].update(dict.fromkeys(causes))
    return {figure: list(causes) for figure, causes in found.items()}


def _is_about(ticket: ChangedTicket, figure: Figure) -> bool:
    match figure.subject:
        case "product":
            return ticket.product_id == figure.id
        case "distributor" | "manufacturer":
            return figure.id in ticket.addressees
    return figure.subject == TOTAL

"""What facts bring about in the ledger (记账): in the transaction that records them, on every road."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from services.settlement.domain.posting import POSTING, entries_of
from services.settlement.projections.ledger import close_month, post
from services.settlement.projections.retention import insert_retentions
from shared.events.settlement import FACTS, MONTH_CLOSED, RETENTION_CALCULATED
from shared.store.log import NewEvent


async def bring_about(tx: Any, events: Sequence[NewEvent]) -> None:
    """Post what these facts cause, then close the months that they close."""
    entries = [
        entry
        for event in events
        if event.type in POSTING
        for entry in entries_of(event.type, _fact(event))
    ]
    await post(tx, entries)
    results = [_fact(event) for event in events if event.type == RETENTION_CALCULATED]
    await insert_retentions(tx, results)
    for event in events:
        if event.type == MONTH_CLOSED:
            closed = _fact(event)
            await close_month(tx, closed.month, closed.closed_at, closed.by)


def _fact(event: NewEvent) -> Any:
    return msgspec.json.decode(event.fact, type=FACTS[event.type])

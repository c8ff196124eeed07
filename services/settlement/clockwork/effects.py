"""What facts bring about (记账与登记): in the transaction that records them, on every road."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from services.settlement.clockwork.listing import list_statement_facts
from services.settlement.domain.posting import POSTING, entries_of
from services.settlement.projections.hospital_payments import write_hospital_payments
from services.settlement.projections.ledger import close_month, post
from services.settlement.projections.retention import insert_retentions
from shared.events import statements
from shared.events.hospital_payments import FACTS as PAYMENT_FACTS
from shared.events.settlement import FACTS, MONTH_CLOSED, RETENTION_CALCULATED
from shared.runtime.judging import Batch
from shared.store.log import NewEvent

_HEEDED = (
    POSTING | statements.FACTS.keys() | PAYMENT_FACTS.keys() | {RETENTION_CALCULATED, MONTH_CLOSED}
)
"""The many others, accruals above all, are not even decoded."""


async def bring_about(tx: Any, batch: Batch[Any, Any]) -> None:
    """Post what these facts cause, keep the rows that lists ask for, then close the months they close."""
    heeded = [(event, _fact(event)) for event in batch.events if event.type in _HEEDED]
    if not heeded:
        return
    entries = [
        entry
        for event, fact in heeded
        if event.type in POSTING
        for entry in entries_of(event.type, fact)
    ]
    await post(tx, entries)
    await insert_retentions(tx, [f for event, f in heeded if event.type == RETENTION_CALCULATED])
    await list_statement_facts(tx, _told(heeded), batch)
    payments = [(event.type, fact) for event, fact in heeded if event.type in PAYMENT_FACTS]
    await write_hospital_payments(tx, payments)
    for event, fact in heeded:
        if event.type == MONTH_CLOSED:
            await close_month(tx, fact.month, fact.closed_at, fact.by)


def _told(heeded: list[tuple[NewEvent, Any]]) -> Mapping[str, list[tuple[str, Any]]]:
    """The facts of statements by type: each with its stream."""
    told: dict[str, list[tuple[str, Any]]] = {}
    for event, fact in heeded:
        if event.type in statements.FACTS:
            told.setdefault(event.type, []).append((event.stream, fact))
    return told


def _fact(event: NewEvent) -> Any:
    return msgspec.json.decode(event.fact, type=FACTS[event.type])

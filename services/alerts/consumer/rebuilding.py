"""What may be made anew of alerts (重建): rows alone, and not a word to anybody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from services.alerts.consumer.lines import fold_lines
from services.alerts.consumer.tickets import fold_tickets, hear_tickets
from services.alerts.domain.late_list import candidate_of, is_spent
from services.alerts.projections.model import SHADOWS, TABLES
from services.alerts.projections.registers import fold_registers
from services.alerts.projections.waiting import end_waiting, not_waiting_any_more
from shared.events.envelope import Record
from shared.runtime.service import ReadModel


async def refold(tx: Any, records: Sequence[Record]) -> None:
    """The rows that a fold writes."""
    await fold_registers(tx, records)
    await fold_lines(tx, records)
    await fold_tickets(tx, hear_tickets(records))


async def settle(tx: Any) -> None:
    """A void line that was listed waits no longer since the list after (作废且已列)."""
    gone = [candidate_of(row) for row in await not_waiting_any_more(tx)]
    await end_waiting(tx, [one[:2] for one in gone if is_spent(one)])


READ_MODEL: Final = ReadModel(fold=refold, tables=TABLES, shadows=SHADOWS, settle=settle)

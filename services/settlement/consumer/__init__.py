"""The bus door (事件入口): receipts accrue; receipts, invoices and returns stand to be matched.

Registers and what was used beside the selected products are kept for what is reckoned by the year.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from services.settlement.consumer.accruing import fold_accruals
from services.settlement.consumer.matching import fold_matching
from services.settlement.consumer.using import fold_use
from services.settlement.projections.registers import fold_registers
from shared.events.envelope import Record
from shared.events.topics import DELIVERIES, REFERENCE
from shared.runtime.room import Room
from shared.runtime.service import ReadModel
from shared.store.twins import Table

TOPICS: Final = (DELIVERIES, REFERENCE)
"""A delivery's facts carry what the order knew of its lines, so orders need not be heard too."""


async def fold(tx: Any, records: Sequence[Record], room: Room) -> None:
    """Take a batch into the rows (折叠). Accruals are facts of our own log: their locks come first."""
    await fold_accruals(tx, records, room)
    now = room.time.at(await tx.fetchval("SELECT clock_timestamp()"))
    await fold_matching(tx, records, now)
    await fold_use(tx, records)
    await fold_registers(tx, records)


async def refold(tx: Any, records: Sequence[Record]) -> None:
    """What only repeats others' facts (重建)."""
    await fold_use(tx, records)
    await fold_registers(tx, records)


READ_MODEL: Final = ReadModel(
    fold=refold,
    tables=(
        Table("non_selected_receipts", ("order_id", "receipt_id", "order_line_id")),
        Table("agreements", ("agreement_id",)),
        Table("batches", ("batch_id",)),
        Table("demand_reports", ("report_id",)),
        Table("registers", ("kind", "id")),
    ),
)
"""Accruals, receipt lines and the ledger are our own record: money stands on them, and nobody makes
them anew. Their proof is the chain, and the ledger's sums."""

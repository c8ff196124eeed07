"""The bus door (事件入口): who and what is registered, kept for those who name it in a ticket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from services.feedback.projections.registers import fold_registers
from shared.events.envelope import Record
from shared.events.topics import REFERENCE

TOPICS: Final = (REFERENCE,)


async def fold(tx: Any, records: Sequence[Record], _room: Any) -> None:
    """Keep the registers; the calendar is feedback's own, and nobody sends it one (折叠)."""
    await fold_registers(tx, records)

"""The bus door (事件入口): facts of orders, deliveries, registers and tickets become rows, in any order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from services.alerts.consumer.concentration import raise_concentrated, watch
from services.alerts.consumer.lines import fold_lines
from services.alerts.consumer.tickets import fold_tickets, hear_tickets
from services.alerts.projections.freezing import hold_off_publishing
from services.alerts.projections.registers import fold_registers
from shared.events.envelope import Record
from shared.events.topics import DELIVERIES, FEEDBACK, ORDERS, REFERENCE
from shared.runtime.room import Room

TOPICS: Final = (ORDERS, DELIVERIES, FEEDBACK, REFERENCE)


async def fold(tx: Any, records: Sequence[Record], room: Room) -> None:
    """Take a batch into the rows (折叠); an opening that crowds a product raises its alert at once.

    The alert is a fact of our own log, so its locks come before anything is written.
    """
    heard = hear_tickets(records)
    watched = await watch(tx, room, heard)
    await hold_off_publishing(tx)
    await fold_registers(tx, records)
    await fold_lines(tx, records)
    opened = await fold_tickets(tx, heard)
    await raise_concentrated(tx, room, watched, opened)

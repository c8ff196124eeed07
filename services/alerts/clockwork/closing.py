"""Which close an instant asks for (定时任务): 24:00 closes the day, 09:00 of a working day lists."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.alerts.clockwork.day import close_day
from services.alerts.clockwork.morning import issue_lists
from services.alerts.domain.late_list import is_morning
from shared.runtime.room import Room


async def close(tx: Any, at: datetime, room: Room) -> bool:
    """One step of the close of this instant, on exactly the facts before it; True when it is done."""
    if is_morning(at):
        return await issue_lists(tx, at, room)
    return await close_day(tx, at, room)

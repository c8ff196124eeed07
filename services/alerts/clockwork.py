"""What happens at closing instants (定时任务): 24:00 closes the day; nothing yet at 09:00."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.alerts.domain.window import parse_window
from services.alerts.projections.closes import freeze
from shared.kernel.clock import day_end, due_day
from shared.runtime.room import Room

WINDOW = "30d"


async def close(tx: Any, at: datetime, room: Room) -> None:
    """Freeze the day that ends at this instant, on exactly the facts before it (日结)."""
    day = due_day(at)
    if at != day_end(day):
        return
    window = parse_window(WINDOW, day)
    await freeze(tx, at, window.first, window.last)

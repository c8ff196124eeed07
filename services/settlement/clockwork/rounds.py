"""What is done behind the writers (后台轮次), about once a second: payables are moved, then all is sealed."""

from __future__ import annotations

from services.settlement.clockwork.routing import route
from services.settlement.clockwork.sealing import seal
from shared.runtime.room import Room


async def behind_the_writers(room: Room) -> bool:
    """One round; True when it wrote anything."""
    moved = await route(room)
    return await seal(room) or moved

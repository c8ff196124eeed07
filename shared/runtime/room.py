"""One service while it runs: its database, its time, its policy, its write desk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
from fastapi import Request

from shared.kernel.policy import Policy
from shared.runtime.calendars import CalendarHolder
from shared.runtime.desk import Desk
from shared.runtime.service import Service
from shared.runtime.time import Time
from shared.store.access.sealing import Sealing


@dataclass(slots=True)
class Room:
    """What a service's doors and handlers get from the frame.

    `catch_up` hurries the service's consumer, about a second at most: a door that does not know
    something calls it before it says so, for the bus may lag. True when nothing is left to read.
    `health` says why it cannot serve, `notices` what somebody should look at while it does.
    `sealing` is how its own secrets are stored.
    """

    service: Service
    pool: asyncpg.Pool
    time: Time
    policy: Policy
    calendars: CalendarHolder
    desk: Desk[Any, Any] | None = None
    health: dict[str, str] = field(default_factory=dict)
    catch_up: Callable[[], Awaitable[bool]] | None = None
    notices: Mapping[str, str] = field(default_factory=dict)
    sealing: Sealing = field(default_factory=Sealing)

    async def now(self) -> datetime:
        """The instant it is for this service: the database's clock, or the sandbox's."""
        return self.time.at(await self.pool.fetchval("SELECT clock_timestamp()"))


def room_of(name: str) -> Callable[[Request], Room]:
    """A FastAPI dependency: the running room of this service."""

    def find(request: Request) -> Room:
        rooms: dict[str, Room] = request.app.state.rooms
        return rooms[name]

    return find

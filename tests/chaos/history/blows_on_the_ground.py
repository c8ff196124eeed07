"""Blows on what the services stand on (底座故障): PostgreSQL, its disk, the broker."""

from __future__ import annotations

import asyncio
import random

from tests.chaos.history.blows_on_services import ASLEEP, DOWN
from tests.chaos.history.house import HouseUnderTest


async def kill_postgres(house: HouseUnderTest, rng: random.Random) -> str:
    """kill -9 of PostgreSQL, sometimes of the postmaster alone."""
    whole = rng.random() < 0.7
    house.postgres.kill(whole=whole)
    await asyncio.sleep(rng.uniform(*DOWN))
    await house.postgres.start()
    return "kill -9 PostgreSQL" + ("" if whole else " (the postmaster)")


async def stop_postgres(house: HouseUnderTest, rng: random.Random) -> str:
    """SIGSTOP of PostgreSQL with all its processes."""
    seconds = rng.uniform(*ASLEEP)
    sleepers = house.postgres.stop()
    try:
        await asyncio.sleep(seconds)
    finally:
        house.postgres.resume(sleepers)
    return f"SIGSTOP PostgreSQL {seconds:.1f} s"


async def kill_broker(house: HouseUnderTest, rng: random.Random) -> str:
    """kill -9 of the broker."""
    await asyncio.to_thread(house.broker.kill)
    await asyncio.sleep(rng.uniform(*DOWN))
    await asyncio.to_thread(house.broker.start)
    return "kill -9 broker"


async def stop_broker(house: HouseUnderTest, rng: random.Random) -> str:
    """SIGSTOP of the broker."""
    seconds = rng.uniform(*ASLEEP)
    house.broker.stop()
    try:
        await asyncio.sleep(seconds)
    finally:
        house.broker.resume()
    return f"SIGSTOP broker {seconds:.1f} s"


async def disk_full(house: HouseUnderTest, rng: random.Random) -> str:
    """Next to nothing is left on the file system of PostgreSQL, for a while."""
    seconds = rng.uniform(4, 10)
    house.postgres.fill()
    try:
        await asyncio.sleep(seconds)
    finally:
        house.postgres.free()
    return f"disk full {seconds:.1f} s"

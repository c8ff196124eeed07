"""Blows on the way and on time (网络与时钟故障): answers cut off or late, clocks that jump."""

from __future__ import annotations

import asyncio
import random
from typing import Final

from tests.chaos.history.house import HouseUnderTest

HOUR: Final = 3600


async def cut(house: HouseUnderTest, rng: random.Random) -> str:
    """Answers are swallowed and their connections cut: nobody knows whether it was committed."""
    seconds = rng.uniform(3, 8)
    before = sum(proxy.cuts for proxy in house.proxies.values())
    for proxy in house.proxies.values():
        proxy.cut = 0.5
    await _calm_after(house, seconds)
    cuts = sum(proxy.cuts for proxy in house.proxies.values()) - before
    return f"cut {cuts} answers in {seconds:.1f} s"


async def delay(house: HouseUnderTest, rng: random.Random) -> str:
    """Requests and answers are late, each by another while."""
    seconds = rng.uniform(3, 8)
    for proxy in house.proxies.values():
        proxy.delay = 0.4
    await _calm_after(house, seconds)
    return f"delay {seconds:.1f} s"


async def _calm_after(house: HouseUnderTest, seconds: float) -> None:
    try:
        await asyncio.sleep(seconds)
    finally:
        for proxy in house.proxies.values():
            proxy.calm()


async def clock_forward(house: HouseUnderTest, rng: random.Random) -> str:
    """Minutes, or over the next closing instant, or days."""
    kind = rng.random()
    seconds = rng.uniform(1, 600)
    if kind > 0.4:
        seconds = house.clock.past_next_mark() + rng.choice([0, 0, 24, 72]) * HOUR
    house.clock.jump(seconds)
    return f"clock +{seconds:.0f} s"


async def clock_back(house: HouseUnderTest, rng: random.Random) -> str:
    """Seconds, or hours: behind the last mark, perhaps."""
    seconds = rng.uniform(1, 300) if rng.random() < 0.7 else rng.uniform(1, 12) * HOUR
    house.clock.jump(-seconds)
    return f"clock -{seconds:.0f} s"

"""Blows on the services (服务故障): killed, put to sleep, restarted in turn, joined by others that leave."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
from typing import Final

from tests.chaos.history.house import HouseUnderTest

DOWN: Final = (0.3, 2.0)
"""What is killed stays away so long."""
ASLEEP: Final = (2.0, 15.0)


def _some_service(house: HouseUnderTest, rng: random.Random) -> str:
    return rng.choice(sorted(house.services))


async def kill_service(house: HouseUnderTest, rng: random.Random) -> str:
    """kill -9 of a service; it is started again."""
    return await kill(house, _some_service(house, rng), rng.uniform(*DOWN))


async def kill(house: HouseUnderTest, name: str, seconds: float) -> str:
    """kill -9 of this one."""
    await house.services[name].kill()
    await asyncio.sleep(seconds)
    house.services[name].start()
    return f"kill -9 {name}"


async def stop_service(house: HouseUnderTest, rng: random.Random) -> str:
    """SIGSTOP of a service: it keeps its connections and its partitions, and does nothing."""
    return await stop(house, _some_service(house, rng), rng.uniform(*ASLEEP))


async def stop(house: HouseUnderTest, name: str, seconds: float) -> str:
    """SIGSTOP of this one for so long."""
    one = house.services[name]
    one.send(signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        one.send(signal.SIGCONT)
    return f"SIGSTOP {name} {seconds:.1f} s"


async def roll(house: HouseUnderTest, rng: random.Random) -> str:
    """SIGTERM of one service after the other, each started again before the next ends."""
    names = sorted(house.services)
    rng.shuffle(names)
    for name in names:
        await house.services[name].end()
        house.services[name].start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(15):
                while await house.services[name].readiness():  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.2)
    return "rolling restart"


async def come_and_go(house: HouseUnderTest, rng: random.Random) -> str:
    """Further replicas of alerts join and leave every two seconds."""
    changes = rng.randint(4, 8)
    for number in range(changes):
        name = f"alerts-guest-{number // 2}"
        if number % 2 == 0:
            house.add("alerts", name)
        else:
            await house.drop(name)
        await asyncio.sleep(2)
    for name in [one for one in house.services if one.startswith("alerts-guest")]:
        await house.drop(name)
    return f"{changes} comings and goings of alerts"


async def second_replica(house: HouseUnderTest, _rng: random.Random) -> str:
    """A second replica of alerts comes to stay, or goes again without a word."""
    name = "alerts-second"
    if name not in house.services:
        house.add("alerts", name)
        return "a second alerts joins"
    one = house.services.pop(name)
    await one.close()
    return "the second alerts is killed for good"

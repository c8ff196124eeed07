"""The blows that a house under test is dealt (故障注入): each strikes, waits, heals, and says what it was."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from tests.chaos.history.blows_on_services import (
    come_and_go,
    kill_service,
    roll,
    second_replica,
    stop_service,
)
from tests.chaos.history.blows_on_the_ground import (
    disk_full,
    kill_broker,
    kill_postgres,
    stop_broker,
    stop_postgres,
)
from tests.chaos.history.blows_on_the_way import clock_back, clock_forward, cut, delay
from tests.chaos.history.house import HouseUnderTest

Blow = Callable[[HouseUnderTest, random.Random], Awaitable[str]]


class Kind(NamedTuple):
    """A kind of blow: how often it comes, what it hits (one at a time each), and how."""

    weight: int
    target: str
    blow: Blow


BLOWS: Final[dict[str, Kind]] = {
    "kill-service": Kind(6, "services", kill_service),
    "stop-service": Kind(5, "services", stop_service),
    "kill-postgres": Kind(3, "postgres", kill_postgres),
    "stop-postgres": Kind(2, "postgres", stop_postgres),
    "disk-full": Kind(2, "postgres", disk_full),
    "kill-broker": Kind(3, "broker", kill_broker),
    "stop-broker": Kind(2, "broker", stop_broker),
    "cut": Kind(4, "road", cut),
    "delay": Kind(2, "road", delay),
    "clock-forward": Kind(3, "clock", clock_forward),
    "clock-back": Kind(3, "clock", clock_back),
    "roll": Kind(1, "services", roll),
    "come-and-go": Kind(1, "services", come_and_go),
    "second-replica": Kind(2, "services", second_replica),
}

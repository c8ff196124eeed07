"""How long the house takes to be well again after a blow (恢复时间)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import asyncpg

from shared.runtime.desk import UNAVAILABLE
from tests.chaos.history.house import HouseUnderTest

Cursors = frozenset[tuple[str, str, str]]

PAUSE = 0.5
PATIENCE = 60.0
"""Who is not well after so long has not recovered from this blow."""

_CURSORS = " UNION ALL ".join(
    f"SELECT group_name, partition, cursor FROM {schema}.checkpoints"
    for schema in ("orders", "alerts", "feedback", "settlement")
)


@dataclass(slots=True)
class Recovery:
    """What a blow was, when it fell, and how long until everything served and moved again."""

    at: float
    blow: str
    healed_at: float = field(default_factory=time.monotonic)
    accepted: int = 0
    """How many events had been accepted when it was healed."""
    cursors: Cursors | None = None
    """Where consumers and relays stood when they could first be asked."""
    seconds: float | None = None
    wrong: str = ""

    def __str__(self) -> str:
        after = f"not well in {PATIENCE:.0f} s: {self.wrong}"
        if self.seconds is not None:
            after = f"{self.seconds:.1f} s"
        return f"{self.at:6.1f} s  {self.blow}: {after}"


class Watch:
    """One look at the house now and then, for all blows that have not healed yet."""

    def __init__(
        self, house: HouseUnderTest, accepted: Callable[[], int], say: Callable[[str], None]
    ) -> None:
        self._house, self._accepted, self._say = house, accepted, say
        self._open: list[Recovery] = []

    def add(self, recovery: Recovery) -> None:
        """From now on this one is waited for."""
        recovery.accepted = self._accepted()
        self._open.append(recovery)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(PAUSE)
            if self._open:
                await self._look()

    async def finish(self) -> None:
        """Until nobody is waited for."""
        while self._open:  # noqa: ASYNC110 - `run` closes them
            await asyncio.sleep(PAUSE)

    async def _look(self) -> None:
        wrong = await self._house.not_ready()
        cursors = await _cursors(self._house)
        for one in list(self._open):
            one.wrong = self._still_wrong(one, wrong, cursors)
            passed = time.monotonic() - one.healed_at
            if not one.wrong:
                one.seconds = passed
            if not one.wrong or passed > PATIENCE:
                self._open.remove(one)
                self._say(str(one))

    def _still_wrong(self, one: Recovery, wrong: dict[str, str], cursors: Cursors | None) -> str:
        """Ready, facts are taken in, and what they cause moves on: else what is missing."""
        if one.cursors is None:
            one.cursors = cursors
        if wrong:
            return str(wrong)
        if self._accepted() == one.accepted:
            return "no event has been accepted"
        return "nobody reads on" if cursors is None or cursors == one.cursors else ""


async def _cursors(house: HouseUnderTest) -> Cursors | None:
    """Where every consumer and relay stands; None while nobody can be asked."""
    try:
        async with asyncio.timeout(5), house.connected() as connection:
            return frozenset(map(tuple, await connection.fetch(_CURSORS)))
    except (*UNAVAILABLE, asyncpg.PostgresError):
        return None

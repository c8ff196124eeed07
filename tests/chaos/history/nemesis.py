"""The nemesis (故障编排): by seed, one blow every three to eight seconds; a month is settled meanwhile."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Final

from tests.chaos.history.blows import BLOWS, Blow
from tests.chaos.history.clerks import Clerks
from tests.chaos.history.house import HouseUnderTest
from tests.chaos.history.recovery import Recovery, Watch

PAUSE: Final = (3.0, 8.0)
SETTLE: Final = "settle"
REBUILD: Final = "rebuild"
SETTLE_AT: Final = 0.35
REBUILD_AT: Final = (0.2, 0.6)
"""Where in the run these come, as a share of it."""


class Nemesis:
    """Strikes until its time is over; keeps what it did and how long each took to heal."""

    def __init__(
        self,
        house: HouseUnderTest,
        clerks: Clerks,
        accepted: Callable[[], int],
        rng: random.Random,
        say: Callable[[str], None],
    ) -> None:
        self._house, self._clerks, self._random, self._say = house, clerks, rng, say
        self._watch = Watch(house, accepted, say)
        self.recoveries: list[Recovery] = []
        self.rebuilds: list[tuple[int, str]] = []
        """Exit codes of rebuilds, and the end of what they said."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._striking: dict[str, asyncio.Task[None]] = {}
        self._watching = asyncio.create_task(self._watch.run())
        self._began = time.monotonic()

    async def run(self, seconds: float) -> None:
        """By seed, as long as this."""
        self._began = time.monotonic()
        due = self._works(seconds)
        while (passed := self._passed()) < seconds:
            await self.strike(due.pop(0)[1] if due and passed >= due[0][0] else self._drawn())
            await asyncio.sleep(self._random.uniform(*PAUSE))
        await self._healed()

    async def run_list(self, names: Sequence[str]) -> None:
        """These, one after the other."""
        self._began = time.monotonic()
        for name in names:
            await self.strike(name)
            await asyncio.sleep(PAUSE[0])
        await self._healed()

    async def strike(self, name: str) -> None:
        """One blow, which goes on while others fall on other targets; its recovery is watched."""
        if name == SETTLE:
            self._noted(self._settle())
        elif name == REBUILD:
            self._noted(self._rebuild())
        else:
            kind = BLOWS[name]
            await self._free(kind.target)
            rng = random.Random(self._random.random())
            self._striking[kind.target] = asyncio.create_task(self._strike(kind.blow, rng))

    async def _strike(self, blow: Blow, rng: random.Random) -> None:
        at = self._passed()
        self._noted(await blow(self._house, rng), at)

    def _noted(self, words: str, at: float | None = None) -> None:
        recovery = Recovery(self._passed() if at is None else at, words)
        self.recoveries.append(recovery)
        self._watch.add(recovery)

    async def _free(self, target: str) -> None:
        """One blow at a time falls on one target."""
        if (last := self._striking.pop(target, None)) is not None:
            await last

    async def _healed(self) -> None:
        """What was struck is up again."""
        for target in list(self._striking):
            await self._free(target)

    def _passed(self) -> float:
        return time.monotonic() - self._began

    async def recovered(self) -> None:
        """Every blow has healed, or has had its time: as long as this the parties go on."""
        done, _ = await asyncio.wait(
            [self._watching, asyncio.create_task(self._watch.finish())],
            return_when=asyncio.FIRST_COMPLETED,
        )
        self._watching.cancel()
        for one in done:
            one.result()

    async def finish(self) -> None:
        """Whatever is still under way comes to its end; a rebuild that was struck down is made again."""
        while self._tasks:
            await asyncio.gather(*self._tasks)
        if any(code for code, _ in self.rebuilds):
            self.rebuilds.clear()
            await self._rebuilt()

    def _works(self, seconds: float) -> list[tuple[float, str]]:
        works = [(SETTLE_AT * seconds, SETTLE)]
        works += [(share * seconds, REBUILD) for share in REBUILD_AT]
        return sorted(works)

    def _drawn(self) -> str:
        """The next by seed; one whose target is still being struck is passed over."""
        names = [name for name in BLOWS if name != "disk-full" or self._house.postgres.is_limited]
        while True:
            name = self._random.choices(names, [BLOWS[name].weight for name in names])[0]
            last = self._striking.get(BLOWS[name].target)
            if last is None or last.done():
                return name

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _settle(self) -> str:
        month, seconds = self._house.clock.past_next_draft()
        self._house.clock.jump(seconds)
        self._keep(self._clerks.settle(month))
        return f"settle {month}, clock +{seconds:.0f} s"

    def _rebuild(self) -> str:
        self._keep(self._rebuilt())
        return "rebuild of alerts begins"

    async def _rebuilt(self) -> None:
        code, said = await self._house.command("rebuild", "alerts")
        last = said.strip().splitlines()[-1:]
        self.rebuilds.append((code, said[-500:]))
        self._say(f"          a rebuild of alerts ended with {code}: {''.join(last)}")

"""Tickets and what is done with them (反馈工单): opened, replied, solved, confirmed; some are left alone."""

from __future__ import annotations

import asyncio
import random
from typing import Final

from tests.chaos.history.acts import Desk
from tests.chaos.history.clock import JumpingClock
from tests.chaos.history.journal import Journal
from tests.chaos.history.market import DISTRIBUTORS, HOSPITALS, PRODUCTS

EVERY: Final = 1.5
"""Seconds from one ticket to the next."""
AT_ONCE: Final = 12
"""So many tickets under way: nobody opens another one."""


class Complainants:
    """Open tickets now and then and take each through its acts."""

    def __init__(
        self, desk: Desk, journal: Journal, clock: JumpingClock, rng: random.Random
    ) -> None:
        self._desk, self._journal, self._clock, self._random = desk, journal, clock, rng
        self._under_way: set[asyncio.Task[None]] = set()
        self.opened = 0
        self.is_ending = False

    async def run(self) -> None:
        """Until told to end; then the acts in hand are brought to their answer."""
        while not self.is_ending:
            await asyncio.sleep(self._random.expovariate(1 / EVERY))
            if len(self._under_way) < AT_ONCE:
                self.opened += 1
                task = asyncio.create_task(self._live(self.opened))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)

    async def finish(self) -> None:
        """Wait for the acts in hand."""
        self.is_ending = True
        for task in list(self._under_way):
            await task

    async def _live(self, number: int) -> None:
        hospital, distributor = (
            self._random.choice(HOSPITALS),
            self._random.choice(DISTRIBUTORS),
        )
        ticket = f"{hospital}-T{number:05d}"
        if not await self._open(ticket, hospital, distributor):
            return
        acts = [
            (f"distributor:{distributor}", "reply"),
            (f"distributor:{distributor}", "solved"),
            (f"hospital:{hospital}", self._random.choice(["confirm", "reopen"])),
        ]
        for actor, act in acts[: self._random.randint(0, 3)]:
            await asyncio.sleep(self._random.uniform(0.2, 3))
            if self.is_ending or not await self._do(ticket, actor, act):
                return

    async def _open(self, ticket: str, hospital: str, distributor: str) -> bool:
        body = {
            "ticket_id": ticket, "hospital_id": hospital,
            "product_id": self._random.choice(PRODUCTS), "addressees": [distributor],
            "category": "short_supply", "description": "缺货",
        }  # fmt: skip
        while not self.is_ending:
            status, said = await self._desk.insist(
                f"hospital:{hospital}", "POST", "/feedback/v1/tickets", body
            )
            if status in (200, 201):
                await self._journal.put({"what": "done", "act": "opened", "ticket": ticket})
                return True
            if not said.get("code", "").startswith("unknown_"):
                return False  # the registers are there, and still it is refused
            await asyncio.sleep(1)
        return False

    async def _do(self, ticket: str, actor: str, act: str) -> bool:
        """One act under an Idempotency-Key; False where the ticket is no longer in that state."""
        body = None
        if act == "reply":
            promised = self._clock.now().replace(microsecond=0)
            body = {"promised_at": promised.replace(hour=23, minute=59, second=59).isoformat()}
        key = f"{ticket}-{act}"
        path = f"/feedback/v1/tickets/{ticket}/{act}"
        status, _ = await self._desk.insist(actor, "POST", path, body, key=key)
        if status == 200:
            await self._journal.put({"what": "done", "act": act, "ticket": ticket})
        elif status == 404:
            await self._journal.put({"what": "odd", "status": 404, "text": f"{ticket} is gone"})
        return status == 200

"""Everybody who lives in the house under test: parties, complainants, clerks (参与者)."""

from __future__ import annotations

import asyncio
import contextlib
import random
from pathlib import Path

import httpx2

from shared.kernel.clock import local_day
from tests.chaos.history.acts import Desk
from tests.chaos.history.clerks import Clerks
from tests.chaos.history.conductor import Conductor
from tests.chaos.history.house import HouseUnderTest
from tests.chaos.history.journal import Journal
from tests.chaos.history.market import DISTRIBUTORS, HOSPITALS, registers
from tests.chaos.history.parties import Party
from tests.chaos.history.tickets import Complainants


class Province:
    """They begin, they are told to end, and they finish what they began."""

    def __init__(
        self,
        house: HouseUnderTest,
        place: Path,
        rng: random.Random,
        rate: float,
    ) -> None:
        place.mkdir()
        self._house = house
        self._clients: dict[str, httpx2.AsyncClient] = {}
        self._journals: list[Journal] = []
        self._tasks: list[asyncio.Task[None]] = []

        def journal(name: str) -> Journal:
            self._journals.append(Journal(place / f"{name}.jsonl"))
            return self._journals[-1]

        def chance() -> random.Random:
            return random.Random(rng.random())

        organisations = [*((one, "hospital") for one in HOSPITALS),
                         *((one, "distributor") for one in DISTRIBUTORS)]  # fmt: skip
        self._parties = {
            one: Party(f"{role}:{one}", self._at("orders"), journal(one), chance())
            for one, role in organisations
        }
        self._conductor = Conductor(self._parties, house.clock, chance(), rate)
        tickets, money = journal("tickets"), journal("money")
        self._desks = [
            Desk(self._at("feedback"), tickets, chance()),
            Desk(self._at("settlement"), money, chance()),
        ]
        self._complainants = Complainants(self._desks[0], tickets, house.clock, chance())
        self.clerks = Clerks(self._desks[1], money, chance())

    @property
    def accepted(self) -> int:
        """Events that were accepted."""
        return self._conductor.accepted

    @property
    def unanswered(self) -> list[str]:
        """What has not had its last word."""
        acts = [f"{path} ({heard})" for one in self._desks for path, heard in one.waiting.items()]
        events = self._conductor.pending
        return [*acts, *([f"{events} events"] if events else [])]

    async def register(self) -> None:
        """The province's registers, in calm weather."""
        client = self._at("orders")
        actor = {"X-Jicai-Actor": "bureau:360000"}
        for path, body in registers(local_day(self._house.clock.now())):
            answer = await client.put(f"/orders/v1/{path}", json=body, headers=actor)
            assert answer.status_code == 200, answer.text

    def begin(self) -> None:
        """Everybody goes to work."""
        runs = [one.run() for one in self._parties.values()]
        runs += [self._conductor.run(), self._complainants.run()]
        self._tasks = [asyncio.create_task(run) for run in runs]

    async def finish(self) -> None:
        """Nothing new; what was sent is sent again until it is answered."""
        self._conductor.end()
        self.clerks.is_ending = True
        await self._complainants.finish()
        while self._conductor.pending:
            self._raise_failures()
            await asyncio.sleep(0.1)

    async def close(self) -> None:
        """Everybody goes home."""
        self._raise_failures()
        for task in self._tasks:
            task.cancel()
        for client in self._clients.values():
            await client.aclose()
        for journal in self._journals:
            journal.close()

    def _raise_failures(self) -> None:
        """A party that broke down would look like one that has nothing to say."""
        for task in self._tasks:
            if task.done() and not task.cancelled():
                with contextlib.suppress(asyncio.CancelledError):
                    task.result()

    def _at(self, door: str) -> httpx2.AsyncClient:
        if door not in self._clients:
            url = f"http://127.0.0.1:{self._house.proxies[door].port}"
            self._clients[door] = httpx2.AsyncClient(base_url=url, timeout=10)
        return self._clients[door]

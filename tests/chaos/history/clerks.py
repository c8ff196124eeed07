"""A month settled in the middle of everything (结算): drafted, confirmed, approved, paid, reported."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any, Final

from tests.chaos.history.acts import Desk
from tests.chaos.history.journal import Journal

BASE: Final = "/settlement/v1"
PROVINCE: Final = "ops:360000"
BUREAU: Final = "bureau:360000/auditor-1"
FINANCE: Final = "finance:360000/cashier-1"
SHARE: Final = 0.7
"""So many of the statements go on to the next step: some stay behind at each."""

Json = dict[str, Any]


class Clerks:
    """Take the statements of a month through their steps; each step may be asked for twice."""

    def __init__(self, desk: Desk, journal: Journal, rng: random.Random) -> None:
        self._desk, self._journal, self._random = desk, journal, rng
        self.is_ending = False
        self.settled: list[str] = []
        """Months that were drafted while we looked on."""

    async def settle(self, month: str) -> None:
        """Wait for the drafts of the month, then work on them."""
        await self._drafted(month)
        self.settled.append(month)
        statements = [one for one in await self._list(month) if one["total_fen"] > 0]
        for actor, step in ((_hospital, "confirm"), (_payee, "confirm"), (_bureau, "approve")):
            statements = self._some(statements)
            await self._each(statements, actor, step)
        await self._pay(self._some(statements))

    def _some(self, statements: Sequence[Json]) -> list[Json]:
        return [one for one in statements if self._random.random() < SHARE]

    async def _drafted(self, month: str) -> None:
        while not self.is_ending:
            _, said = await self._desk.insist(PROVINCE, "GET", f"{BASE}/drafts")
            if any(
                one["month"] == month and one["state"] == "done" for one in said.get("items", [])
            ):
                return
            await asyncio.sleep(1)

    async def _list(self, month: str) -> list[Json]:
        _, said = await self._desk.insist(
            PROVINCE, "GET", f"{BASE}/statements?month={month}&limit=1000"
        )
        return list(said.get("items", []))

    async def _each(self, statements: Sequence[Json], actor: Any, step: str) -> None:
        for one in statements:
            if self.is_ending:
                return
            path = f"{BASE}/statements/{one['statement_id']}/{step}"
            status, _ = await self._desk.insist(actor(one), "POST", path)
            if status == 200:
                await self._note(step, one)

    async def _pay(self, statements: Sequence[Json]) -> None:
        for one in statements:
            if self.is_ending:
                return
            path = f"{BASE}/statements/{one['statement_id']}/pay"
            status, said = await self._desk.insist(FINANCE, "POST", path)
            if status != 200 or not said.get("payment"):
                continue
            payment = said["payment"]["payment_id"]
            result = {"payment_id": payment, "result": "paid", "bank_reference": f"YH-{payment}"}
            status, _ = await self._desk.insist(FINANCE, "POST", f"{BASE}/bank-results", result)
            if status == 200:
                await self._note("paid", one, payment=payment)

    async def _note(self, step: str, one: Json, **more: str) -> None:
        await self._journal.put(
            {"what": "done", "act": step, "statement": one["statement_id"], **more}
        )


def _hospital(one: Json) -> str:
    return f"hospital:{one['hospital_id']}"


def _payee(one: Json) -> str:
    return f"distributor:{one['payee_id']}"


def _bureau(_one: Json) -> str:
    return BUREAU

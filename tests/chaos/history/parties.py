"""Hospitals and distributors (医院与配送企业): they write every id down, send it, and send it again.

A batch carries what is new, shuffled, with older events sent once more; some batches are held back
for a while, and now and then an old id comes with other content, which nobody may accept.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx2

from tests.chaos.history.journal import Journal

BATCH: Final = 12
TRIES: Final = 200
"""How often what may be tried again is: then the refusal is the last word."""
HOLD_BACK: Final = 0.04
REPEAT: Final = 0.3
FORGE: Final = 0.05
OLDER: Final = 300

Json = dict[str, Any]


@dataclass(slots=True)
class Fact:
    """One event of a party's."""

    event: Json
    answered: Callable[[Fact], None]
    tries: int = 0
    is_written: bool = False

    @property
    def id(self) -> str:
        return str(self.event["id"])


class Party:
    """One organisation's system, with a journal of its own."""

    def __init__(
        self, actor: str, client: httpx2.AsyncClient, journal: Journal, rng: random.Random
    ) -> None:
        self.actor, self._client, self._journal, self._random = actor, client, journal, rng
        self._ready: list[Fact] = []
        self._older: list[Json] = []
        self._requests = 0
        self._held: set[asyncio.Task[None]] = set()
        self.pending = 0
        """Events that have not had their last word."""
        self.accepted = 0
        self.is_ending = False

    def give(self, fact: Fact) -> None:
        """Something new to say."""
        self.pending += 1
        self._ready.append(fact)

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            if not self._ready:
                await asyncio.sleep(0.05)
                continue
            await asyncio.sleep(self._random.uniform(0.05, 0.4))
            batch = self._next_batch()
            if not self.is_ending and self._random.random() < HOLD_BACK:
                task = asyncio.create_task(self._send_later(batch))
                self._held.add(task)
                task.add_done_callback(self._held.discard)
            else:
                await self._send(batch)

    async def _send_later(self, batch: list[Fact]) -> None:
        """Held back for ten to twenty seconds, or until the run ends."""
        await self._write_down(batch)
        seconds = self._random.uniform(10, 20)
        while seconds > 0 and not self.is_ending:
            await asyncio.sleep(0.5)
            seconds -= 0.5
        await self._send(batch)

    def _next_batch(self) -> list[Fact]:
        batch, self._ready = self._ready[:BATCH], self._ready[BATCH:]
        self._random.shuffle(batch)
        return batch

    async def _write_down(self, batch: list[Fact]) -> None:
        """Each event once, before it is sent for the first time."""
        fresh = [fact for fact in batch if not fact.is_written]
        await self._journal.put(*({"what": "made", "event": fact.event} for fact in fresh))
        for fact in fresh:
            fact.is_written = True

    async def _send(self, batch: list[Fact]) -> None:
        events = [fact.event for fact in batch]
        extras = self._extras()
        self._requests += 1
        number = self._requests
        await self._write_down(batch)
        await self._journal.put(
            {"what": "invoke", "request": number, "ids": [e["id"] for e in events]}
        )
        results = await self._post(number, [*events, *(event for event, _ in extras)])
        if results is None:
            self._again(batch)
            return
        await self._hear(batch, extras, results)

    def _extras(self) -> list[tuple[Json, bool]]:
        """Older events once more; the last perhaps forged."""
        if not self._older or self._random.random() > REPEAT:
            return []
        repeated = self._random.sample(self._older, min(len(self._older), 4))
        extras = [(event, False) for event in repeated]
        if self._random.random() < FORGE:
            event = dict(repeated[0], data={**repeated[0]["data"], "note": "not what was said"})
            extras.append((event, True))
        return extras

    async def _post(self, number: int, events: list[Json]) -> list[Json] | None:
        """The results in the order sent; None where nobody can say what became of them."""
        why = ""
        try:
            answer = await self._client.post(
                "/orders/v1/events", json=events, headers={"X-Jicai-Actor": self.actor}
            )
        except httpx2.HTTPError as error:
            why = type(error).__name__
        else:
            if answer.status_code in (200, 207, 422) and "results" in (said := answer.json()):
                return list(said["results"])
            why = str(answer.status_code)
            if answer.status_code not in (429, 503):
                await self._journal.put(
                    {"what": "odd", "status": answer.status_code, "text": answer.text[:500]}
                )
        await self._journal.put(
            {"what": "unknown", "request": number, "ids": [e["id"] for e in events], "why": why}
        )
        return None

    def _again(self, batch: list[Fact]) -> None:
        """What was not answered is sent again, among other things and later."""
        loop = asyncio.get_running_loop()
        for fact in batch:
            loop.call_later(self._random.uniform(0.3, 1.5), self._ready_again, fact)

    def _ready_again(self, fact: Fact) -> None:
        self._ready.append(fact)

    async def _hear(
        self, batch: list[Fact], extras: list[tuple[Json, bool]], results: list[Json]
    ) -> None:
        sent = [(fact.event, False) for fact in batch] + extras
        await self._journal.put(
            *(
                {"what": "answer", "id": event["id"], "forged": is_forged, **_short(result)}
                for (event, is_forged), result in zip(sent, results, strict=True)
            )
        )
        for fact, result in zip(batch, results, strict=False):
            self._heard(fact, result)

    def _heard(self, fact: Fact, result: Json) -> None:
        fact.tries += 1
        if result["status"] == "rejected":
            if result.get("retryable") and fact.tries < TRIES and not self.is_ending:
                self._again([fact])
                return
        else:
            self.accepted += 1
            self._older = [*self._older[-OLDER:], fact.event]
        self.pending -= 1
        fact.answered(fact)


def _short(result: Json) -> Json:
    return {k: result[k] for k in ("status", "code", "position", "retryable") if k in result}

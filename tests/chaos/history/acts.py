"""Acts through the doors (接口操作): asked again until they are answered, and written down."""

from __future__ import annotations

import asyncio
import random
from typing import Any, Final

import httpx2

from tests.chaos.history.journal import Journal

IN_FLIGHT: Final = "idempotency_in_flight"
AGAIN: Final = frozenset({429, 503})

Json = dict[str, Any]


class Desk:
    """Somebody at a screen who does not give up."""

    def __init__(self, client: httpx2.AsyncClient, journal: Journal, rng: random.Random) -> None:
        self._client, self._journal, self._random = client, journal, rng
        self.waiting: dict[str, str] = {}
        """What has been asked for and not answered, with what was heard last."""

    async def insist(
        self, actor: str, method: str, path: str, body: Json | None = None, *, key: str = ""
    ) -> tuple[int, Json]:
        """The answer at last; `key` goes as Idempotency-Key with every attempt."""
        headers = {"X-Jicai-Actor": actor} | ({"Idempotency-Key": key} if key else {})
        self.waiting[path] = ""
        await self._journal.put({"what": "asked", "actor": actor, "act": path, "body": body})
        unknown = 0
        while (told := await self._attempt(method, path, body, headers)) is None:
            unknown += 1
            await asyncio.sleep(self._random.uniform(0.3, 1.0))
        del self.waiting[path]
        status, said = told
        if method != "GET":
            entry = {"what": "told", "act": path, "status": status, "unknown": unknown}
            await self._journal.put(entry | {"code": said.get("code", "")})
        return told

    async def _attempt(
        self, method: str, path: str, body: Json | None, headers: dict[str, str]
    ) -> tuple[int, Json] | None:
        try:
            answer = await self._client.request(method, path, json=body, headers=headers)
        except httpx2.HTTPError as error:
            self.waiting[path] = type(error).__name__
            return None
        said = answer.json()
        self.waiting[path] = f"{answer.status_code} {said.get('code', '')}"
        if answer.status_code in AGAIN or said.get("code") == IN_FLIGHT:
            return None
        if answer.status_code >= 500:
            await self._journal.put({"what": "odd", "status": answer.status_code, "text": said})
            return None
        return answer.status_code, said

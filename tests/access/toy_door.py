"""A small app behind the real door: what it echoes shows who was let in and what arrived."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg
import httpx2
from fastapi import APIRouter, FastAPI, Request, Response

from shared.kernel.errors import Problem
from shared.runtime.access import Access, migrate_access, open_access
from shared.runtime.actors import ActingPerson, CurrentActor, forbidden, not_found
from shared.runtime.bodies import JsonObject, read_body
from shared.runtime.calendars import CalendarHolder
from shared.runtime.limits import UNLIMITED, RateLimits
from shared.runtime.room import Room
from shared.runtime.time import DatabaseTime, Time
from shared.runtime.web import create_app
from shared.store.access.keys import NewKey, add_key
from shared.store.access.sealing import Sealing
from shared.store.policy_files import shipped_policy
from shared.testing.toys import noting
from tests.access.signer import Signer


@dataclass
class Toy:
    """What its endpoints count and wait for."""

    ran: int = 0
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    answers: list[int] = field(default_factory=list)


def toy_router(toy: Toy) -> APIRouter:
    """Endpoints that read their bodies in each way that ours do."""
    router = APIRouter(prefix="/toy")

    @router.post("/echo/{name}")
    async def echo(name: str, request: Request, actor: CurrentActor) -> dict[str, Any]:
        return {"actor": str(actor), "bytes": len(await read_body(request)), "name": name}

    @router.get("/echo/{name}")
    async def told(name: str, actor: CurrentActor) -> dict[str, Any]:
        return {"actor": str(actor), "name": name}

    @router.post("/object")
    async def took_object(actor: CurrentActor, body: JsonObject) -> dict[str, Any]:
        return {"actor": str(actor), "body": body}

    @router.post("/parsed")
    async def took_parsed(actor: CurrentActor, body: dict[str, Any]) -> dict[str, Any]:
        return {"actor": str(actor), "body": body}

    @router.post("/act", status_code=201)
    async def act(actor: CurrentActor, response: Response) -> dict[str, Any]:
        toy.ran += 1
        mine = toy.ran
        response.headers["Location"] = f"/toy/acts/{mine}"
        status = toy.answers.pop(0) if toy.answers else 201
        if status >= 400:
            raise (
                Problem(status, "not_found", "未找到", "not found") if status != 500 else OSError()
            )
        return {"ran": mine}

    @router.post("/slow")
    async def slow(actor: CurrentActor) -> dict[str, int]:
        toy.ran += 1
        await toy.go_on.wait()
        return {"ran": toy.ran}

    @router.post("/events")
    async def events(actor: CurrentActor) -> dict[str, int]:
        toy.ran += 1
        return {"ran": toy.ran}

    @router.post("/pay/{name}")
    async def pay(name: str, acting: ActingPerson, always: bool = False) -> dict[str, str | None]:
        if name == "gone":
            raise not_found()
        if acting.actor.role == "hospital":
            raise forbidden()
        return {"person": acting.person(always=always)}

    return router


@dataclass
class Installation:
    """One process: its app, its access, and what its endpoints counted."""

    app: FastAPI
    access: Access
    toy: Toy
    dsn: str

    def client(self, auth: Signer | None = None, **headers: str) -> httpx2.AsyncClient:
        """An HTTP client of this app."""
        transport = httpx2.ASGITransport(app=self.app, raise_app_exceptions=False)
        return httpx2.AsyncClient(
            transport=transport, base_url="http://jicai", headers=headers, auth=auth, timeout=30
        )

    async def key(
        self, actor: str, algorithm: str = "sm3", sealing: Sealing | None = None
    ) -> NewKey:
        """A new key for this actor, made as an operator would."""
        connection = await asyncpg.connect(self.dsn)
        try:
            return await add_key(connection, actor, algorithm, sealing or Sealing())
        finally:
            await connection.close()

    async def signer(self, actor: str, algorithm: str = "sm3") -> Signer:
        """Somebody who signs with a new key of this actor."""
        made = await self.key(actor, algorithm)
        return Signer(made.key, made.secret, algorithm)


@asynccontextmanager
async def installed(
    dsn: str,
    *,
    is_sandbox: bool = False,
    trust_actor_header: bool = False,
    time: Time | None = None,
    secrets_key: str | None = None,
    limits: RateLimits = UNLIMITED,
) -> AsyncIterator[Installation]:
    """The toy behind the door; several of them over one database are several processes."""
    await migrate_access(dsn)
    time = time or DatabaseTime()
    access = await open_access(dsn, time, secrets_key=secrets_key, explains=is_sandbox)
    toy = Toy()
    service = replace(noting(), router=toy_router(toy), event_doors=("/toy/events",))
    pool = access._pool
    room = Room(service, pool, time, shipped_policy(), CalendarHolder())
    app = create_app(
        {"orders": room},
        trust_actor_header=trust_actor_header or is_sandbox,
        readiness=access.readiness,
        access=access,
        is_sandbox=is_sandbox,
        limits=limits,
    )
    try:
        yield Installation(app, access, toy, dsn)
    finally:
        toy.go_on.set()
        await access.close()

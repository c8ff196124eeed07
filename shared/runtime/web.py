"""FastAPI, built once for however many services run in this process (Web 入口)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version
from typing import Any

import structlog
from fastapi import Depends, FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.kernel.errors import Problem
from shared.runtime import asyncapi, idempotency, openapi, problems
from shared.runtime.access import Access
from shared.runtime.actors import Door
from shared.runtime.bodies import refuse_nul
from shared.runtime.changes import changes_router
from shared.runtime.desk import UNAVAILABLE, unavailable
from shared.runtime.limits import UNLIMITED, RateLimits
from shared.runtime.logs import SILENT_ROUTES, bind_trace
from shared.runtime.metrics import observe_request
from shared.runtime.pages_html import endpoint_page, problem_page
from shared.runtime.room import Room
from shared.runtime.sent_body import Intake, SentBodies

log = structlog.get_logger()

Readiness = Callable[[], Awaitable[dict[str, str]]]
Measure = Callable[[], Awaitable[None]]
"""Brings the gauges up to date that are asked for at scrape time; a dead database is no fault of it."""


def create_app(
    rooms: Mapping[str, Room],
    *,
    trust_actor_header: bool,
    readiness: Readiness,
    measure: Measure | None = None,
    extra: Any = None,
    access: Access | None = None,
    is_sandbox: bool = False,
    limits: RateLimits = UNLIMITED,
    intake: Intake | None = None,
) -> FastAPI:
    """The app of these rooms: their routers, feeds, health, metrics and documentation.

    Without `access` nobody can sign and no Idempotency-Key is kept: tests of one room do with that.
    """
    app = FastAPI(
        title="Jicai 集采",
        description="药品和医用耗材集中带量采购执行平台 / executes volume-based procurement",
        version=version("jicai"),
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(refuse_nul), Depends(idempotency.once_per_key)],
    )
    app.state.rooms = dict(rooms)
    app.state.stopping = asyncio.Event()
    by_signature = None if access is None else access.authenticate
    app.state.door = Door(trust_actor_header, is_sandbox, by_signature, limits)
    app.state.access = access
    app.state.without_idempotency = _event_doors(rooms, extra)
    problems.install(app)
    for error in UNAVAILABLE:
        app.add_exception_handler(error, _unavailable)
    for name, room in rooms.items():
        app.include_router(room.service.router)
        app.include_router(changes_router(name))
    if extra is not None:
        app.include_router(extra)
    _operations(app, readiness, measure)
    openapi.install(app, trusts_header=trust_actor_header)
    idempotency.install(app)
    app.add_middleware(SentBodies, intake=intake or Intake())
    app.add_middleware(_Observed)
    return app


def _event_doors(rooms: Mapping[str, Room], extra: Any) -> frozenset[str]:
    """Paths that take no Idempotency-Key: those of facts, and the sandbox's own."""
    facts = {path for room in rooms.values() for path in room.service.event_doors}
    return frozenset(facts | {route.path for route in getattr(extra, "routes", ())})


async def _unavailable(request: Request, error: Exception) -> Response:
    """A reader met a database that is away: 503, as the write desk says it."""
    log.warning("http.unavailable", path=request.url.path, error=f"{type(error).__name__}: {error}")
    return problems.render(request, unavailable())


class _Observed:
    """Counts and times requests by route, writes the access line, gives all their lines the trace id.

    A plain ASGI middleware, for it stands in every path.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, began = 500, time.perf_counter()

        async def sending(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with bind_trace(Request(scope)):
            try:
                await self._app(scope, receive, sending)
            finally:
                seconds = time.perf_counter() - began
                route = observe_request(scope, status, seconds)
                if route not in SILENT_ROUTES:
                    log.info(
                        "http.request",
                        method=scope["method"],
                        route=route,
                        status=status,
                        milliseconds=round(seconds * 1000, 1),
                    )


def _operations(app: FastAPI, readiness: Readiness, measure: Measure | None) -> None:
    """What operators ask: alive, ready, measured, which version (运维接口)."""

    @app.get("/livez", tags=["operations 运维"])
    async def livez() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz", tags=["operations 运维"])
    async def readyz() -> dict[str, Any]:
        wrong = await readiness()
        if wrong:
            what = "; ".join(f"{name}: {reason}" for name, reason in wrong.items())
            raise Problem(
                503, "not_ready", f"尚未就绪: {what}", f"not ready: {what}", extra={"wrong": wrong}
            )
        notices = {
            f"{name} {what}": why
            for name, room in app.state.rooms.items()
            for what, why in room.notices.items()
        }
        return {"status": "ready", "notices": notices} if notices else {"status": "ready"}

    @app.get("/metrics", tags=["operations 运维"], include_in_schema=False)
    async def metrics() -> Response:
        if measure is not None:
            await measure()
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    @app.get("/version", tags=["operations 运维"])
    async def version_() -> dict[str, Any]:
        return {"version": app.version, "services": list(app.state.rooms)}

    @app.get("/asyncapi.json", include_in_schema=False)
    async def asyncapi_() -> dict[str, Any]:
        services = [room.service for room in app.state.rooms.values()]
        return asyncapi.document(services, app.version)

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> Response:
        return Response(endpoint_page(app.openapi()), media_type="text/html; charset=utf-8")

    @app.get("/problems/{code}", include_in_schema=False)
    async def problem(code: str) -> Response:
        return Response(problem_page(code), media_type="text/html; charset=utf-8")

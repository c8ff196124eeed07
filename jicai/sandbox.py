"""The sandbox (沙箱): four services in one process on an embedded database, with its own time."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
from fastapi import APIRouter, Request
from pydantic import BaseModel, StrictStr

from jicai.rooms import chosen
from jicai.server import run, serve
from jicai.timemachine import TimeMachine, kept_clock
from shared.kernel.clock import local_text, parse_instant
from shared.kernel.errors import Problem
from shared.runtime.house import House
from shared.runtime.time import ManualTime
from shared.runtime.web import create_app
from shared.store.embedded import EmbeddedPostgres
from shared.store.policy_files import policy_from

router = APIRouter(prefix="/sandbox/v1", tags=["sandbox 沙箱"])


class ClockBody(BaseModel):
    """Where to move the clock."""

    now: StrictStr


@router.get("/clock")
async def get_clock(request: Request) -> dict[str, str]:
    """沙箱当前时间."""
    return {"now": local_text(_machine(request).now)}


@router.post("/clock")
async def post_clock(request: Request, body: ClockBody) -> dict[str, str]:
    """把时间向前拨, 到期事项按各自时刻依次触发; 所有消费者跟上后回答."""
    machine = _machine(request)
    try:
        to = parse_instant(body.now)
    except ValueError:
        raise Problem(
            422,
            "malformed",
            "now 应为 RFC 3339 或 yyyy-MM-dd HH:mm:ss",
            "now is RFC 3339 or yyyy-MM-dd HH:mm:ss",
            errors=[{"pointer": "/now", "code": "malformed", "detail": "not an instant"}],
        ) from None
    try:
        await machine.move(to)
    except ValueError:
        raise Problem(
            409,
            "time_backwards",
            f"时间不能倒流: 现在是 {local_text(machine.now)}",
            f"time cannot move backwards: it is {local_text(machine.now)}",
        ) from None
    return {"now": local_text(machine.now)}


@router.post("/settle")
async def post_settle(request: Request) -> dict[str, str]:
    """只等待所有消费者跟上."""
    machine = _machine(request)
    await machine.settle()
    return {"now": local_text(machine.now)}


def _machine(request: Request) -> TimeMachine:
    machine: TimeMachine = request.app.state.machine
    return machine


def run_sandbox(
    *,
    port: int,
    now: datetime,
    data: Path | None,
    host: str = "127.0.0.1",
    policy: Path | None = None,
    on_ready: Callable[[str], None] = lambda url: print(f"ready {url}", flush=True),
) -> None:
    """Run until stopped. Without `data` it starts empty and leaves nothing behind."""
    with ExitStack() as stack:
        if data is None:
            place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="jicai-")))
            server = EmbeddedPostgres(place / "pg", durable=False)
            stack.callback(server.remove)
        else:
            server = EmbeddedPostgres(data / "pg")
        stack.callback(server.stop)
        dsn = server.start()
        run(_run(dsn, host, port, now, policy, on_ready))


async def _run(
    dsn: str, host: str, port: int, now: datetime, policy: Path | None, on_ready: Any
) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        kept = await kept_clock(connection)
    finally:
        await connection.close()
    time = ManualTime(kept or now)
    house = House(dsn, chosen("all"), time, policy_from(policy), own_time=False)
    await house.migrate()
    await house.start()
    pool = await asyncpg.create_pool(dsn, min_size=1, max_size=2)
    machine = TimeMachine(house, time, pool)
    await machine.move(time.now)
    app = create_app(house.rooms, trust_actor_header=True, readiness=house.readiness, extra=router)
    app.state.machine = machine

    async def stop() -> None:
        await house.stop()
        await pool.close()

    await serve(app, host=host, port=port, on_ready=on_ready, on_stop=stop)

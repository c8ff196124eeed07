"""The sandbox (沙箱): four services in one process on an embedded database, with its own time."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import asyncpg
from fastapi import APIRouter, Request
from pydantic import BaseModel, StrictStr

from jicai.rooms import chosen
from jicai.server import run, serve
from jicai.timemachine import TimeMachine, kept_clock
from jicai.topics import prepare_topics
from shared.bus.address import KafkaAddress
from shared.bus.kafka import KafkaBus
from shared.kernel.clock import local_text, parse_instant
from shared.kernel.errors import Problem
from shared.runtime.access import migrate_access, open_access
from shared.runtime.actors import parse_actor
from shared.runtime.house import House
from shared.runtime.measuring import measuring_of
from shared.runtime.time import ManualTime
from shared.runtime.web import create_app
from shared.store.access.keys import add_key
from shared.store.access.sealing import Sealing
from shared.store.embedded import EmbeddedPostgres
from shared.store.policy_files import policy_from

router = APIRouter(prefix="/sandbox/v1", tags=["sandbox 沙箱"])


class ClockBody(BaseModel):
    """Where to move the clock."""

    now: StrictStr


class KeyBody(BaseModel):
    """For whom, and which algorithm signs."""

    actor: StrictStr
    algorithm: Literal["sm3", "sha256"] = "sm3"


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


@router.post("/keys", status_code=201)
async def post_key(request: Request, body: KeyBody) -> dict[str, str]:
    """生成一个访问密钥, 供联调签名; 正式环境用 jicai keys add."""
    try:
        actor = parse_actor(body.actor)
    except ValueError as error:
        raise Problem(
            422,
            "malformed",
            "actor 应为 角色:机构[/经办人]",
            "actor is role:organisation[/person]",
            errors=[{"pointer": "/actor", "code": "malformed", "detail": str(error)}],
        ) from None
    pool: asyncpg.Pool = request.app.state.owner
    made = await add_key(pool, str(actor), body.algorithm, Sealing())
    return {
        "key": made.key,
        "secret": made.secret,
        "actor": str(actor),
        "algorithm": body.algorithm,
    }


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
    kafka: str | None = None,
    on_ready: Callable[[str], None] = lambda url: print(f"ready {url}", flush=True),
) -> None:
    """Run until stopped. Without `data` it starts empty and leaves nothing behind.

    Over a broker (`kafka` = `host:port`) a sandbox that starts empty begins behind whatever other
    runs have left on the topics, in groups of its own.
    """
    with ExitStack() as stack:
        if data is None:
            place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="jicai-")))
            server = EmbeddedPostgres(place / "pg", durable=False)
            stack.callback(server.remove)
        else:
            server = EmbeddedPostgres(data / "pg")
        stack.callback(server.stop)
        dsn = server.start()
        address = None if kafka is None else _address(kafka)
        run(_run(dsn, host, port, now, policy, address, on_ready))


def _address(bootstrap: str) -> KafkaAddress:
    return KafkaAddress(bootstrap=bootstrap, group_prefix=f"jicai-sandbox-{secrets.token_hex(4)}-")


async def _run(
    dsn: str,
    host: str,
    port: int,
    now: datetime,
    policy: Path | None,
    kafka: KafkaAddress | None,
    on_ready: Any,
) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        kept = await kept_clock(connection)
    finally:
        await connection.close()
    time = ManualTime(kept or now)
    house = House(
        dsn,
        chosen("all"),
        time,
        policy_from(policy),
        own_time=False,
        kafka=kafka,
        shares_topics=True,
    )
    await house.migrate()
    if kafka is not None:
        await prepare_topics(house, KafkaBus(kafka), is_fresh=kept is None)
    await house.start()
    pool = await asyncpg.create_pool(dsn, min_size=1, max_size=2)
    machine = TimeMachine(house, time, pool)
    await machine.move(time.now)
    await migrate_access(dsn)
    access = await open_access(dsn, time, explains=True)
    app = create_app(
        house.rooms,
        trust_actor_header=True,
        readiness=house.readiness,
        measure=measuring_of(house),
        extra=router,
        access=access,
        is_sandbox=True,
    )
    app.state.machine = machine
    app.state.owner = pool

    async def stop() -> None:
        await house.stop()
        await access.close()
        await pool.close()

    await serve(app, host=host, port=port, on_ready=on_ready, on_stop=stop)

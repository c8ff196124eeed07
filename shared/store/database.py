"""Connections: one schema and one role per service, READ COMMITTED, no transaction left open."""

from __future__ import annotations

from typing import Any, Final

import asyncpg

LOCKS_PER_TRANSACTION_MIN: Final = 256
"""A batch takes up to 1,000 advisory locks; PostgreSQL's default of 64 would run out under load."""

BUS_ROLE: Final = "jicai_bus"


def role_of(service: str) -> str:
    """The role a service works under (mechanism 14: the database helps)."""
    return f"jicai_{service}"


async def open_pool(
    dsn: str, service: str, *, size: int = 8, role: str | None = None, hot: bool = False
) -> asyncpg.Pool:
    """A pool in the service's schema under its role; `hot` for the write desk.

    The desk's statements are all by key; a never-analysed table must not seduce the planner into
    a sequential scan there.
    """
    settings = {
        "search_path": service,
        "role": role or role_of(service),
        "default_transaction_isolation": "read committed",
        "idle_in_transaction_session_timeout": "10s",
        "statement_timeout": "60s",
        "timezone": "UTC",
        "application_name": f"jicai-{service}",
    }
    if hot:
        settings |= {"enable_seqscan": "off", "plan_cache_mode": "force_generic_plan"}
    return await asyncpg.create_pool(
        dsn,
        min_size=0 if not hot else size,
        max_size=size,
        server_settings=settings,
        reset=_leave_as_it_is,
        command_timeout=60,
    )


async def _leave_as_it_is(connection: Any) -> None:
    """Nothing of ours changes a session, so the usual reset round trip is left out."""


def is_lost(connection: Any) -> bool:
    """Whether a session that is kept has ended; the pool takes a lost one back, and it answers nothing."""
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:
        return True


async def check_server(connection: asyncpg.Connection) -> list[str]:
    """What is wrong with this server's settings, as sentences; empty when all is well."""
    wrong = []
    version = int(await connection.fetchval("SHOW server_version_num"))
    if version < 150000:
        wrong.append(f"PostgreSQL {version // 10000} is too old: 15 or newer is needed")
    locks = int(await connection.fetchval("SHOW max_locks_per_transaction"))
    if locks < LOCKS_PER_TRANSACTION_MIN:
        wrong.append(
            f"max_locks_per_transaction is {locks}: set it to {LOCKS_PER_TRANSACTION_MIN} or more"
        )
    return wrong

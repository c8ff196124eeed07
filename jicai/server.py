"""One web server for one app: says when it is ready, stops when told, drains before it goes."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from functools import partial
from types import FrameType
from typing import Any, cast

import uvicorn
import uvloop
from fastapi import FastAPI

from jicai.guarded_http import HEAD_SECONDS, GuardedHttp

DRAIN_SECONDS = 8
KEEP_ALIVE_SECONDS = 30
"""Longer than clients keep an idle connection, five seconds as a rule: closed by us at that same
moment, it would swallow a request that is just being sent."""


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run the program's one coroutine on the faster loop."""
    uvloop.run(main)


def collect_young() -> None:
    """Set the collector of cycles for a program that has made what it keeps.

    Its own objects live for ever and need not be looked at again and again. Few objects a turn: each
    request leaves a small cycle behind, and to collect those of 3,000 at once stops the process for
    50 ms; so it is 10.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


async def serve(
    app: FastAPI,
    *,
    host: str,
    port: int,
    on_ready: Callable[[str], None],
    on_stop: Callable[[], Awaitable[None]],
    head_seconds: float = HEAD_SECONDS,
) -> None:
    """Serve until SIGTERM or SIGINT; requests in flight are answered first."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        log_config=None,  # ours: see `shared.runtime.logs`
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=DRAIN_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        http=cast(Any, partial(GuardedHttp, head_seconds=head_seconds)),
        ws="none",
    )
    server = _Server(config, app.state.stopping)
    collect_young()
    ready = asyncio.create_task(_announce(server, host, on_ready))
    try:
        await server.serve()
    finally:
        ready.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ready
        await on_stop()


class _Server(uvicorn.Server):
    """Stops at SIGTERM and SIGINT and returns, so that what follows is cleaned up too.

    Uvicorn's own way raises the signal again at the end, which ends the process on the spot. Those
    answers that have no end of their own (streams) are told by `stopping`.
    """

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._stopping.set()
        super().handle_exit(sig, frame)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


async def _announce(server: uvicorn.Server, host: str, on_ready: Callable[[str], None]) -> None:
    while not server.started:  # noqa: ASYNC110 - uvicorn offers no event to wait for
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    on_ready(f"http://{host}:{port}")

"""A reference program's door on the same web server and loop as ours."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from jicai.server import serve


async def serve_bare(app: Any, *, on_stop: Callable[[], Awaitable[Any]]) -> None:
    """Serve on a free port until stopped, and say where."""
    app.state.stopping = asyncio.Event()
    await serve(
        app, host="127.0.0.1", port=0, on_stop=on_stop,
        on_ready=lambda url: print(f"ready {url}", flush=True),
    )  # fmt: skip

"""What a process does by itself twice a second (轮次): dues, marks, and what each service asks for.

A fault in one service waits for the next round and stops no other; `/readyz` names it meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Sequence
from typing import Final

import structlog

from shared.runtime.clockwork import fire_due
from shared.runtime.marks import append_marks
from shared.runtime.metrics import WATCHED
from shared.runtime.room import Room

ROUND_SECONDS: Final = 0.5
"""A deadline fires within this time of its instant."""
WHOLE: Final = 120
"""Every so many rounds deadlines are looked for from the beginning, else behind the last mark."""
EACH: Final = 2
"""Every so many rounds comes what a service asks for."""
WATCH_SECONDS: Final = 60.0
WATCH_REST: Final = 20
"""A watch that took so long rests so many times as long: it never takes a twentieth of a core."""

log = structlog.get_logger()


async def fire(room: Room, *, since_mark: bool = False) -> None:
    """Whatever is due in this room by now, and the marks that are missing, where its log bears them."""
    if room.desk is None:
        return
    if room.service.marks:
        await append_marks(room.pool, room.desk.kit, since_mark=since_mark)
    else:
        await fire_due(room.pool, room.desk.kit)


async def keep_rounds(rooms: Sequence[Room], stop: asyncio.Event) -> None:
    """Round after round until told to stop."""
    for number in itertools.count():
        if stop.is_set():
            return
        for room in rooms:
            if room.desk is not None:
                await _round(room, number)
        await _rest(stop, ROUND_SECONDS)


async def _round(room: Room, number: int) -> None:
    try:
        await fire(room, since_mark=number % WHOLE != 0)
        if room.service.each_round is not None and number % EACH == 0:
            await room.service.each_round(room)
        room.health.pop("clockwork", None)
    except Exception as error:
        room.health["clockwork"] = f"{type(error).__name__}: {error}"
        log.warning("clockwork.failed", service=room.service.name, error=str(error))


async def keep_watch(room: Room, stop: asyncio.Event) -> None:
    """Look, say what was found, rest. What it finds is no reason not to serve."""
    assert room.service.watch is not None
    loop = asyncio.get_running_loop()
    while not stop.is_set():
        began = loop.time()
        try:
            room.notices = await room.service.watch(room)
            WATCHED.labels(room.service.name).set_to_current_time()
        except Exception as error:
            room.notices = {"watch": f"{type(error).__name__}: {error}"}
            log.warning("watch.failed", service=room.service.name, error=str(error))
        await _rest(stop, max(WATCH_SECONDS, WATCH_REST * (loop.time() - began)))


async def _rest(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)

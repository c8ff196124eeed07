"""The room put together (预警服务)."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from services.alerts.api import (
    alerts,
    closes,
    evidence,
    late_lists,
    publications,
    scorecards,
    small_samples,
)
from services.alerts.api.narrowing import narrow
from services.alerts.clockwork.closing import close
from services.alerts.consumer import TOPICS, fold
from services.alerts.consumer.rebuilding import READ_MODEL
from services.alerts.domain.open_alerts import kept
from services.alerts.domain.rules import ALERTS_AND_LISTS, COLUMNS, State
from shared.kernel.policy import Policy
from shared.runtime.calendars import CalendarHolder
from shared.runtime.handling import Kit
from shared.runtime.service import Service
from shared.runtime.stream import stream_router
from shared.runtime.time import Time
from shared.store.log import StreamColumns

router = APIRouter()
for _part in (scorecards, evidence, publications, alerts, small_samples, late_lists, closes):
    router.include_router(_part.router)
router.include_router(stream_router("alerts"))


async def no_world(*_asked: object) -> None:
    """Acts on alerts and lists stand on nothing but their stream."""


def kit(_policy: Policy, _calendars: CalendarHolder, time: Time) -> Kit[State, None]:
    """What the road of a write needs to know of alerts."""
    columns = StreamColumns(names=tuple(COLUMNS), types=tuple(COLUMNS.values()))
    return Kit("alerts", ALERTS_AND_LISTS, columns, no_world, time)


service: Final = Service(
    name="alerts",
    router=router,
    topics=TOPICS,
    fold=fold,
    close=close,
    kit=kit,
    narrow=narrow,
    kept=kept,
    migrations="services.alerts",
    read_model=READ_MODEL,
)

"""Settlement, put together (结算服务)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter

from services.settlement.api import accruals
from services.settlement.consumer import TOPICS, fold
from services.settlement.domain.accrual import ACCRUALS, OrderAccruals
from shared.kernel.decider import Sent
from shared.kernel.policy import Policy
from shared.runtime.calendars import CalendarHolder
from shared.runtime.handling import Kit
from shared.runtime.service import Service
from shared.runtime.time import Time
from shared.store.log import Head, StreamColumns

router = APIRouter()
router.include_router(accruals.router)


def kit(_policy: Policy, _calendars: CalendarHolder, time: Time) -> Kit[OrderAccruals, None]:
    """What the road of a write needs to know of settlement."""
    return Kit("settlement", ACCRUALS, StreamColumns(), _no_world, time)


async def _no_world(_tx: Any, _head: Head, _now: datetime, _batch: Sequence[Sent]) -> None:
    """An accrual stands on its receipt alone."""


service: Final = Service(
    name="settlement",
    router=router,
    topics=TOPICS,
    fold=fold,
    kit=kit,
    migrations="services.settlement",
)

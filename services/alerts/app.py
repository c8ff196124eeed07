"""The room put together (预警服务)."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from services.alerts.api import evidence, scorecards
from services.alerts.clockwork import close
from services.alerts.consumer import TOPICS, fold
from shared.runtime.service import Service

router = APIRouter()
router.include_router(scorecards.router)
router.include_router(evidence.router)

service: Final = Service(
    name="alerts",
    router=router,
    topics=TOPICS,
    fold=fold,
    close=close,
    migrations="services.alerts",
)

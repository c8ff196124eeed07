"""Settlement, put together (结算服务)."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from services.settlement.api import accruals, unmatched
from services.settlement.api.ledger import (
    accounts,
    chain,
    entries,
    months,
    offsets,
    prepayments,
)
from services.settlement.api.retention import inputs, results
from services.settlement.clockwork.effects import bring_about
from services.settlement.clockwork.sealing import seal
from services.settlement.consumer import TOPICS, fold
from services.settlement.domain.rules import COLUMNS, SETTLING, State
from services.settlement.domain.world import NO_WORLD, World
from shared.kernel.policy import Policy
from shared.runtime.calendars import CalendarHolder
from shared.runtime.handling import Kit
from shared.runtime.service import Service
from shared.runtime.time import Time
from shared.store.log import StreamColumns

router = APIRouter()
for _part in (
    accruals,
    unmatched,
    inputs,
    results,
    accounts,
    entries,
    chain,
    offsets,
    prepayments,
    months,
):
    router.include_router(_part.router)


def kit(_policy: Policy, _calendars: CalendarHolder, time: Time) -> Kit[State, World]:
    """What the road of a write needs to know of settlement."""
    columns = StreamColumns(names=tuple(COLUMNS), types=tuple(COLUMNS.values()))
    return Kit("settlement", SETTLING, columns, no_world, time, effects=bring_about)


async def no_world(*_asked: object) -> World:
    """What comes over the bus or the desk stands on its stream; doors that need more load it."""
    return NO_WORLD


service: Final = Service(
    name="settlement",
    router=router,
    topics=TOPICS,
    fold=fold,
    kit=kit,
    each_round=seal,
    migrations="services.settlement",
)

"""Settlement, put together (结算服务)."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from services.settlement.api import accruals, unmatched
from services.settlement.api.hospital_pays import acts as payment_acts
from services.settlement.api.hospital_pays import arrears
from services.settlement.api.hospital_pays import payments as hospital_payments
from services.settlement.api.ledger import (
    accounts,
    chain,
    entries,
    months,
    offsets,
    prepayments,
)
from services.settlement.api.payees import accounts as payee_accounts
from services.settlement.api.payees import files, payments
from services.settlement.api.payees import results as file_results
from services.settlement.api.retention import inputs, results
from services.settlement.api.statements import banking, disputes, lists, steps, suspensions
from services.settlement.clockwork.drafting import close
from services.settlement.clockwork.effects import bring_about
from services.settlement.clockwork.rounds import behind_the_writers
from services.settlement.consumer import READ_MODEL, TOPICS, fold
from services.settlement.domain.rules import COLUMNS, SETTLING, State
from services.settlement.domain.world import NO_WORLD, World
from services.settlement.policy import hospital_pays_pools, payment_terms
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
    lists,
    disputes,
    suspensions,
    banking,
    steps,
    hospital_payments,
    payment_acts,
    arrears,
    payee_accounts,
    payments,
    files,
    file_results,
):
    router.include_router(_part.router)


def kit(policy: Policy, _calendars: CalendarHolder, time: Time) -> Kit[State, World]:
    """What the road of a write needs to know of settlement; a policy nobody could pay by stops here."""
    hospital_pays_pools(policy)
    payment_terms(policy)
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
    close=close,
    each_round=behind_the_writers,
    migrations="services.settlement",
    read_model=READ_MODEL,
)

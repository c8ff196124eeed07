"""Feedback, put together (反馈服务)."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from services.feedback.api import acts, audit, calendar, deadlines, tickets, waiting
from services.feedback.api.world import WorldLoader
from services.feedback.clockwork import auditing
from services.feedback.consumer import READ_MODEL, TOPICS, fold
from services.feedback.domain.rules import TICKETS
from services.feedback.domain.ticket import COLUMNS, Ticket
from services.feedback.domain.world import World
from services.feedback.policy import ticket_terms
from shared.kernel.policy import Policy
from shared.runtime.calendars import CalendarHolder
from shared.runtime.handling import Kit
from shared.runtime.service import Service
from shared.runtime.time import Time
from shared.store.log import StreamColumns

router = APIRouter()
for _part in (tickets, waiting, acts, deadlines, calendar, audit):
    router.include_router(_part.router)


def kit(policy: Policy, calendars: CalendarHolder, time: Time) -> Kit[Ticket, World]:
    """What the road of a write needs to know of feedback."""
    columns = StreamColumns(names=tuple(COLUMNS), types=tuple(COLUMNS.values()))
    return Kit("feedback", TICKETS, columns, WorldLoader(ticket_terms(policy), calendars), time)


service: Final = Service(
    name="feedback",
    router=router,
    topics=TOPICS,
    fold=fold,
    marks=True,
    kit=kit,
    watch=auditing.audit,
    migrations="services.feedback",
    read_model=READ_MODEL,
)

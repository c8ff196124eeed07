"""Feedback, put together (反馈服务)."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from services.feedback.api import calendar, tickets
from services.feedback.api.world import WorldLoader
from services.feedback.consumer import TOPICS, fold
from services.feedback.domain.rules import TICKETS
from services.feedback.domain.ticket import Ticket
from services.feedback.domain.world import World
from services.feedback.policy import ticket_terms
from shared.kernel.policy import Policy
from shared.runtime.calendars import CalendarHolder
from shared.runtime.handling import Kit
from shared.runtime.service import Service
from shared.runtime.time import Time
from shared.store.log import StreamColumns

COLUMNS: Final = StreamColumns(
    names=("hospital_id", "addressees", "ticket_state", "level", "bureau"),
    types=("text", "text", "text", "text", "text"),
)

router = APIRouter()
router.include_router(tickets.router)
router.include_router(calendar.router)


def kit(policy: Policy, calendars: CalendarHolder, time: Time) -> Kit[Ticket, World]:
    """What the road of a write needs to know of feedback."""
    return Kit("feedback", TICKETS, COLUMNS, WorldLoader(ticket_terms(policy), calendars), time)


service: Final = Service(
    name="feedback",
    router=router,
    topics=TOPICS,
    fold=fold,
    marks=True,
    kit=kit,
    migrations="services.feedback",
)

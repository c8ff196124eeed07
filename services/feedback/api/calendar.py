"""The working-day calendar over HTTP (工作日历接口): read by everybody, loaded by the province."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Path

from services.feedback.api.bodies import CalendarBody
from services.feedback.api.loading import load_year
from shared.kernel.calendar import WorkCalendar
from shared.kernel.calendar_years import DayKind, SpecialDay, SpecialDayRefused, check_year
from shared.kernel.errors import Problem
from shared.runtime.actors import Actor, CurrentActor, forbidden
from shared.runtime.room import Room, room_of

router = APIRouter(prefix="/feedback/v1", tags=["calendar 工作日历"])
FeedbackRoom = Annotated[Room, Depends(room_of("feedback"))]
Year = Annotated[int, Path(ge=2000, le=2100, description="年份")]


async def province_only(actor: CurrentActor) -> Actor:
    """A dependency, so that 403 goes before any fault of the body (仅省级)."""
    if not actor.is_province:
        raise forbidden("只有省级医保部门可以录入工作日历", "only the province loads a year")
    return actor


@router.get("/calendar/{year}")
async def get_year(year: Year, actor: CurrentActor, room: FeedbackRoom) -> dict[str, Any]:
    """一年的工作日历: 只列与周一至周五不同的日子."""
    return year_document(await room.calendars.now(room.pool), year)


@router.put("/calendar/{year}")
async def put_year(
    year: Year,
    actor: Annotated[Actor, Depends(province_only)],
    room: FeedbackRoom,
    body: CalendarBody,
) -> dict[str, Any]:
    """按国务院办公厅通知录入一年的安排; 同样内容再次录入不产生变化."""
    days = [
        SpecialDay(date.fromisoformat(d.date), cast(DayKind, d.kind), d.name, d.notice)
        for d in body.days
    ]
    try:
        check_year(year, days)
    except SpecialDayRefused as refused:
        raise _malformed(refused) from None
    return year_document(await load_year(room, actor, year, days), year)


def year_document(calendar: WorkCalendar, year: int) -> dict[str, Any]:
    """One year as the contract shows it."""
    plan = calendar.year(year)
    return {
        "year": year,
        "status": plan.status,
        "version": calendar.version,
        "days": [
            {"date": day.date.isoformat(), "kind": day.kind, "name": day.name, "notice": day.notice}
            for day in plan.days
        ],
    }


def _malformed(refused: SpecialDayRefused) -> Problem:
    pointer = f"/days/{refused.index}"
    return Problem(
        422,
        "malformed",
        f"{pointer}: 该日安排有误 ({refused.reason})",
        f"{pointer}: {refused.reason}",
        errors=[{"pointer": pointer, "code": "malformed", "detail": refused.reason}],
    )

"""Closing months over HTTP (月结接口)."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends

from services.settlement.api.judged import as_sent, state_of, submit
from services.settlement.commands import CloseMonth
from services.settlement.domain.month import MonthStream, stream_of
from shared.events.settlement import MONTH_CLOSED, MonthClosed
from shared.kernel.clock import local_text
from shared.kernel.errors import Problem, malformed
from shared.runtime.actors import ActingPerson, forbidden
from shared.runtime.problems import refusal_problem
from shared.runtime.room import Room, room_of

router = APIRouter(prefix="/settlement/v1", tags=["ledger 账本"])
SettlementRoom = Annotated[Room, Depends(room_of("settlement"))]
_MONTH: Final = re.compile(r"(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII)


@router.post("/months/{month}/close", summary="月结")
async def post_close(month: str, acting: ActingPerson, room: SettlementRoom) -> dict[str, Any]:
    """省级财务经办在月末之后结账, 此后该月不再入账; 再次结账不变. 须由绑定到个人的密钥发起."""
    actor = acting.actor
    if actor.role != "finance" or not actor.organisation.endswith("0000"):
        raise forbidden("只有省级财务经办机构可以结账", "for the province's finance office")
    acting.person()
    if not _MONTH.fullmatch(month):
        raise refusal_problem(malformed("月份应为 yyyy-MM", "a month is yyyy-MM", "/month"))
    words = {"month": month, "by": str(actor)}
    command = CloseMonth(month, str(actor))
    sent = as_sent(actor, stream_of(month), MONTH_CLOSED, command, words, await room.now())
    try:
        await submit(room, sent)
    except Problem as problem:
        # Closed before, by this office or another: it stays closed.
        if problem.code not in ("conflicting_duplicate", "month_closed"):
            raise
    state = await state_of(room, stream_of(month))
    assert isinstance(state, MonthStream)
    return _document(state.closed)


def _document(closed: MonthClosed) -> dict[str, Any]:
    return {
        "month": closed.month,
        "state": "closed",
        "closed_at": local_text(closed.closed_at),
        "closed_by": closed.by,
    }

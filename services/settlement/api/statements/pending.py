"""Whether a draft is under way (对账单生成中): what it reads is not changed meanwhile."""

from __future__ import annotations

from services.settlement.domain.drafting import draft_instant, month_before
from services.settlement.policy import statement_terms
from services.settlement.sets.drafting import closed_by, drafted_months
from shared.kernel.clock import local_day
from shared.kernel.errors import Problem
from shared.runtime.deciding import Held
from shared.runtime.room import Room


async def no_draft_pending(room: Room, hold: Held) -> None:
    """503 where a draft's instant has passed and it is not done: it stands on what was before it.

    Disputes, their ends and suspensions wait; confirmations and payments go on. What lies before
    this service's first close is not drafted any more.
    """
    month = month_before(local_day(hold.now))
    instant = draft_instant(month, hold.calendar, statement_terms(room.policy))
    if hold.now < instant or (await drafted_months(hold.tx)).get(month):
        return
    if await closed_by(hold.tx, instant):
        raise Problem(
            503,
            "draft_pending",
            f"正在生成 {month} 月对账单, 请稍后再试",
            f"the statements of {month} are being drafted; try again later",
            headers={"Retry-After": "30"},
        )

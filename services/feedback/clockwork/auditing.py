"""The auditor (独立核查): asks the log whether every deadline that passed has its step.

It mends nothing: whoever would mend by the rules that have failed would hide that they have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import structlog

from services.feedback.projections.audit import Unstepped, find_unstepped
from shared.runtime.metrics import TICKETS_WITHOUT_STEP
from shared.runtime.room import Room

_MOST: Final = 1000
_NAMED: Final = 20

log = structlog.get_logger()


async def audit(room: Room) -> Mapping[str, str]:
    """What it found, for people: in the log, on the gauge, and as a notice (核查结果)."""
    found = await find_unstepped(room.pool, await room.now(), limit=_MOST)
    TICKETS_WITHOUT_STEP.set(len({one.ticket_id for one in found}))
    if not found:
        return {}
    log.error(
        "audit.tickets_without_step",
        count=len(found),
        tickets=[f"{one.ticket_id} {one.deadline}" for one in found[:_NAMED]],
    )
    return {"audit": _words(found)}


def _words(found: list[Unstepped]) -> str:
    some = ", ".join(dict.fromkeys(one.ticket_id for one in found[:3]))
    return (
        f"{len(found)} 项时限到期而无处理记录, 如 {some} "
        f"/ deadlines passed without a step; see /feedback/v1/audit"
    )

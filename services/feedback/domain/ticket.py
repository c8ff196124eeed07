"""The ticket as its facts leave it (反馈工单状态)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

import msgspec

from shared.events.feedback import BureauLevel, Rung
from shared.events.forms import Category, Level

STATES: Final = ("open", "promised", "solved", "confirmed", "closed")
"""A ticket's states (待回复、已承诺、已解决、已确认、已关闭)."""

UNSOLVED: Final = frozenset({"open", "promised"})
"""The states in which somebody is still to solve it (未解决)."""

FINAL: Final = frozenset({"confirmed", "closed"})
"""The states that nothing leaves (已办结)."""


class Running(msgspec.Struct, array_like=True, frozen=True):
    """A deadline that may pass (进行中的时限); `day` is the day it counts from, itself not counted."""

    start: datetime
    due_at: datetime
    day: date | None = None
    calendar_version: str | None = None
    provisional: bool = False


class Step(msgspec.Struct, array_like=True):
    """One entry of a ticket's history (处理记录); `came_from` and `went_to` are levels."""

    type: str
    at: datetime
    by: str
    came_from: str | None = None
    went_to: str | None = None
    more: dict[str, Any] = {}


class Ticket(msgspec.Struct, array_like=True):
    """One ticket (反馈工单).

    `bureau` is the territorial one until supervision moves it; `reply_due` is kept beside `running`,
    for a reply behind it is late even if the clock stood still when it passed.
    """

    ticket_id: str
    hospital_id: str
    product_id: str
    addressees: list[str]
    category: str
    description: str
    order_ids: list[str]
    prominent: bool
    hospital_level: Level | None
    product_category: Category | None
    opened_at: datetime
    reply_due: Running
    ladder: list[Rung]
    bureau: str
    history: list[Step]
    running: dict[str, Running]
    state: str = "open"
    level: BureauLevel | None = None
    replied_at: datetime | None = None
    promised_at: datetime | None = None
    solved_at: datetime | None = None
    closed_at: datetime | None = None
    reopened_under_supervision: bool = False
    province_was_overdue: bool = False

    @property
    def supervised(self) -> bool:
        """Whether a bureau supervises it (督办中), or did when it was solved, confirmed or closed."""
        return self.level is not None


encode: Final = msgspec.json.Encoder().encode
decode: Final = msgspec.json.Decoder(Ticket).decode

COLUMNS: Final = {
    "hospital_id": "text",
    "addressees": "text",
    "ticket_state": "text",
    "level": "text",
    "bureau": "text",
    "last_due": "timestamptz",
}
"""What lists and recalculations ask for, beside the state (查询列)."""


def columns(ticket: Ticket) -> tuple[Any, ...]:
    """The row of a ticket's stream, as `COLUMNS` names it."""
    counted = [running.due_at for running in ticket.running.values() if running.day is not None]
    return (
        ticket.hospital_id,
        " ".join(ticket.addressees),
        ticket.state,
        ticket.level,
        ticket.bureau,
        max(counted, default=None),
    )

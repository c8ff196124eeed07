"""Facts about tickets (反馈工单的事实): what was reported, said, done, and what passed undone.

Every fact names the ticket with what its readers group it by, and the deadlines that begin with it,
or run again, each with the days it counts: the proof of a deadline is a fact and never changes.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec
from msgspec import field

from shared.events.forms import Category, Instant, Level
from shared.kernel.calendar import CountedDay

TICKET_OPENED: Final = "jicai.ticket.opened.v1"
REPLIED: Final = "jicai.ticket.replied.v1"
SOLVED: Final = "jicai.ticket.solved.v1"
CONFIRMED: Final = "jicai.ticket.confirmed.v1"
REOPENED: Final = "jicai.ticket.reopened.v1"
REPLY_OVERDUE: Final = "jicai.ticket.reply_overdue.v1"
PROMISE_BROKEN: Final = "jicai.ticket.promise_broken.v1"
SUPERVISION_BEGAN: Final = "jicai.ticket.supervision_began.v1"
ESCALATED: Final = "jicai.ticket.escalated.v1"
PROVINCE_OVERDUE: Final = "jicai.ticket.province_overdue.v1"
SUPERVISED: Final = "jicai.ticket.supervised.v1"
CLOSED: Final = "jicai.ticket.closed.v1"
DEADLINE_MOVED: Final = "jicai.ticket.deadline_moved.v1"

BureauLevel = Literal["county", "city", "province"]
"""Who supervises, from the first to the last (县级、市级、省级)."""

DeadlineName = Literal["reply_due", "promise_limit", "promised", "confirm_due", "level_due"]
"""What may be due (回复时限、承诺上限、承诺时间、确认时限、本级处置时限)."""


class Deadline(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A deadline with its proof (时限及计算过程); a promised instant was chosen, so it counts no days."""

    name: DeadlineName
    start: Instant = field(name="from")
    due_at: Instant
    calendar_version: str | None = None
    provisional: bool = False
    days: list[CountedDay] = []


class Rung(msgspec.Struct, kw_only=True, frozen=True):
    """One step of the ladder that a ticket may climb (逐级上报)."""

    level: BureauLevel
    bureau: str


class TicketFact(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What every fact of a ticket carries (工单事实): whose it is, on what, who acted, and when.

    `hospital_level` and `product_category` as they were registered when the ticket was opened.
    """

    ticket_id: str
    hospital_id: str
    product_id: str
    addressees: list[str]
    by: str
    at: Instant
    hospital_level: Level | None = None
    product_category: Category | None = None
    deadlines: list[Deadline] = []


class TicketOpened(TicketFact, kw_only=True):
    """A hospital reported a problem (反馈问题); the first rung of the ladder has its copy (抄送)."""

    category: str
    description: str
    order_ids: list[str] = []
    prominent: bool = False
    reply_due: Instant
    calendar_version: str
    provisional: bool = False
    ladder: list[Rung] = []


class Replied(TicketFact, kw_only=True):
    """An addressee replied and promised a solution (回复并承诺解决时限); `late` = behind the reply due."""

    promised_at: Instant
    late: bool = False


class Solved(TicketFact, kw_only=True):
    """An addressee says that it is solved (已解决): every clock stops, the hospital is asked."""


class Confirmed(TicketFact, kw_only=True):
    """The hospital confirmed, or was silent until its due (确认解决): `by` says which."""


class Reopened(TicketFact, kw_only=True):
    """The hospital says that it is not solved (重新打开)."""


class ReplyOverdue(TicketFact, kw_only=True):
    """The reply due passed without an accepted reply (逾期未回复)."""

    reply_due: Instant


class PromiseBroken(TicketFact, kw_only=True):
    """The promised instant passed without a solution (未按承诺解决)."""

    promised_at: Instant


class SupervisionBegan(TicketFact, kw_only=True):
    """The territorial bureau supervises from now on (启动督办)."""

    level: BureauLevel
    bureau: str


class Escalated(TicketFact, kw_only=True):
    """The ticket went up one level (逐级上报)."""

    from_level: BureauLevel = field(name="from")
    to_level: BureauLevel = field(name="to")
    bureau: str


class ProvinceOverdue(TicketFact, kw_only=True):
    """The province's own due passed; recorded once a ticket (省级逾期)."""


class Supervised(TicketFact, kw_only=True):
    """A bureau took a measure (约谈、督导等): recorded, no clock stops."""

    measure: str
    note: str


class Closed(TicketFact, kw_only=True):
    """A bureau closed the ticket (关闭工单)."""

    reason: str


class DeadlineMoved(TicketFact, kw_only=True):
    """A change of the calendar moved a running deadline (时限调整): the new one stands in `deadlines`."""

    name: DeadlineName
    before: Instant


AnyTicketFact = (
    TicketOpened
    | Replied
    | Solved
    | Confirmed
    | Reopened
    | ReplyOverdue
    | PromiseBroken
    | SupervisionBegan
    | Escalated
    | ProvinceOverdue
    | Supervised
    | Closed
    | DeadlineMoved
)

FACTS: Final[dict[str, type[TicketFact]]] = {
    TICKET_OPENED: TicketOpened,
    REPLIED: Replied,
    SOLVED: Solved,
    CONFIRMED: Confirmed,
    REOPENED: Reopened,
    REPLY_OVERDUE: ReplyOverdue,
    PROMISE_BROKEN: PromiseBroken,
    SUPERVISION_BEGAN: SupervisionBegan,
    ESCALATED: Escalated,
    PROVINCE_OVERDUE: ProvinceOverdue,
    SUPERVISED: Supervised,
    CLOSED: Closed,
    DEADLINE_MOVED: DeadlineMoved,
}
"""How the fact of each type reads."""

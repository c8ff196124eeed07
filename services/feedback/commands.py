"""What may be asked of a ticket (反馈工单). `by` is the actor who does, as the history names it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTicket:
    """A hospital reports a problem (反馈问题)."""

    ticket_id: str
    hospital_id: str
    product_id: str
    addressees: tuple[str, ...]
    category: str
    description: str
    order_ids: tuple[str, ...]
    prominent: bool
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An addressee replies and promises a solution (回复并承诺解决时限)."""

    promised_at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Solve:
    """An addressee says that it is solved (已解决)."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """The hospital confirms that it is (确认解决)."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopen:
    """The hospital says that it is not (重新打开)."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervise:
    """A bureau takes a measure (约谈、督导等)."""

    measure: str
    note: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """A bureau closes the ticket (关闭工单)."""

    reason: str
    by: str


Act = Reply | Solve | Confirm | Reopen | Supervise | Close

"""What a decision stands on besides its ticket: registers, calendar, terms."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.feedback.policy import TicketTerms
from shared.kernel.calendar import WorkCalendar


@dataclass(frozen=True, slots=True)
class Registered:
    """Which of the ids that a batch names are registered, and as what (已登记的机构与产品)."""

    hospitals: frozenset[str] = field(default_factory=frozenset)
    enterprises: frozenset[str] = field(default_factory=frozenset)
    products: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class World:
    """The state of everything else behind the gate (判定依据)."""

    registered: Registered
    calendar: WorkCalendar
    terms: TicketTerms

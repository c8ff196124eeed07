"""What a decision stands on besides its ticket: registers, calendar, terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.feedback.policy import TicketTerms
from shared.events.forms import Category, Level
from shared.kernel.calendar import WorkCalendar


@dataclass(frozen=True, slots=True)
class Registered:
    """Which of the ids that a batch names are registered, and as what (已登记的机构与产品).

    Hospitals with their level, products with their category.
    """

    hospitals: Mapping[str, Level | None] = field(default_factory=dict)
    enterprises: frozenset[str] = frozenset()
    products: Mapping[str, Category | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class World:
    """The state of everything else behind the gate (判定依据)."""

    registered: Registered
    calendar: WorkCalendar
    terms: TicketTerms

"""What may be asked of the figures, and what answers: a question, and the items behind a figure."""

from dataclasses import dataclass
from datetime import date, datetime

from tests.oracle.windows import window as days_of


@dataclass(frozen=True)
class Question:
    """Which figure is asked for: subject, window, filters."""

    subject: str = "total"
    id: str = "total"
    window: str = "30d"
    as_of: date = date(2026, 1, 1)
    category: str | None = None
    division: str | None = None
    level: str | None = None
    role: str = "all"
    batch_id: str | None = None
    known_before: datetime | None = None

    @property
    def days(self) -> tuple[date, date]:
        """First and last day of the window."""
        return days_of(self.window, self.as_of)


@dataclass(frozen=True)
class Evidence:
    """One counted line behind a figure, or an order, or a ticket (its id stands for the order's)."""

    order_id: str
    line_id: str | None
    due_at: datetime
    outcome: str
    numerator: int
    denominator: int

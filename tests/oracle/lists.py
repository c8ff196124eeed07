"""Late-response lists (A16.2, section 8): at 09:00 of each working day, told again from the facts.

Readings
- Every line counts, whatever its supplier role; the bureau is the hospital's division as stored.
- The order's `recorded_at` must lie before sent + 48 h (only an importer's can lie elsewhere).
- What is known at 09:00 was recorded before it; a void due exactly at 09:00 has fired, and takes off
  a line that was listed before.
- An answer, dispatch or cancellation takes its line off by being known, whenever it is judged.
- `again` means that an earlier list of the run named the line.
- The lists of a run are those after its beginning, up to and including the last instant.
- Lines that expire at the same instant stand in no stated order; here by order and line id.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tests.oracle.calendar import is_working, local_day, start_of
from tests.oracle.dues import answer_due, sent_at
from tests.oracle.knowing import stories_at
from tests.oracle.orders import Orders
from tests.oracle.stories import Line, Story

NINE = timedelta(hours=9)


@dataclass(frozen=True)
class Entry:
    """One line of a list."""

    order_id: str
    line_id: str
    sent_at: datetime
    expired_at: datetime
    occurrence: str


@dataclass(frozen=True)
class LateList:
    """What one distributor is told on one day about the hospitals of one bureau."""

    day: date
    distributor_id: str
    bureau: str
    lines: tuple[Entry, ...]

    @property
    def issued_at(self) -> datetime:
        """09:00 of its day."""
        return start_of(self.day) + NINE


def issuing_days(since: datetime, until: datetime) -> list[date]:
    """Every working day whose 09:00 lies after the beginning and not after the end."""
    first, last = local_day(since), local_day(until)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [day for day in days if is_working(day) and since < start_of(day) + NINE <= until]


def due_for_listing(story: Story, line: Line, instant: datetime) -> bool:
    """Whether the line expired unanswered, a void left out of account."""
    expired = answer_due(line)
    return (
        not story.back_entered
        and story.placed.recorded_at < expired < instant
        and line.answer is None
        and line.cancelled is None
        and not story.dispatched(line.line_id)
    )


def late_lists(model: Orders, since: datetime, until: datetime) -> list[LateList]:
    """Every list of a run, by day, distributor and bureau."""
    model.advance(until)
    issued: list[LateList] = []
    listed: set[tuple[str, str]] = set()
    for day in issuing_days(since, until):
        nine = start_of(day) + NINE
        found: dict[tuple[str, str], list[Entry]] = {}
        for story in stories_at(model, nine):
            for line in story.lines.values():
                key = story.placed.order_id, line.line_id
                before = key in listed
                if not due_for_listing(story, line, nine) or (line.voided and before):
                    continue
                addressee = story.placed.data["distributor_id"], line.known["division"]
                occurrence = "again" if before else "first"
                entry = Entry(*key, sent_at(line), answer_due(line), occurrence)
                found.setdefault(addressee, []).append(entry)
        for (distributor, bureau), entries in sorted(found.items()):
            entries.sort(key=lambda one: (one.expired_at, one.order_id, one.line_id))
            issued.append(LateList(day, distributor, bureau, tuple(entries)))
            listed |= {(one.order_id, one.line_id) for one in entries}
    return issued

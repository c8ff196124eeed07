"""What happens by itself: reminders, suspensions that begin, drafts (催办).

Readings
- A state that began on day D is reminded at 24:00 of the 5th (3rd) working day after D, once.
- With a total of 0 or below nothing is asked for, so nothing is reminded and nothing is overdue. A
  total that comes back above 0 after that instant is overdue, but was not reminded.
- Of `approved` and `paying` nobody is reminded. A dispute does not begin a state anew.
- `overdue=true` lists a statement from the instant of its due on, until its state ends.
- `reminded` is recorded at the due instant, by `system`, whether or not anybody was awake.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from tests.oracle.calendar import end_of, local_day, working_day_after
from tests.oracle.settling.drafting import draft, draft_instant, next_month
from tests.oracle.settling.office import Office
from tests.oracle.settling.statements import Statement
from tests.oracle.settling.suspensions import begin

PATIENCE = {"draft": 5, "hospital_confirmed": 3, "confirmed": 5}
"""Working days before the hospital, the payee, the bureau is reminded."""
REMINDER, SUSPENSION, DRAFT = range(3)
Timer = tuple[datetime, int, str, Callable[[], None]]


def due(statement: Statement) -> datetime | None:
    """When patience ends in the state that runs."""
    days = PATIENCE.get(statement.state)
    return end_of(working_day_after(local_day(statement.began), days)) if days else None


def overdue(office: Office, statement: Statement) -> bool:
    """Whether somebody has been waited for too long."""
    limit = due(statement)
    return limit is not None and limit <= office.now and statement.total_fen > 0


def advance(office: Office, now: datetime) -> None:
    """Everything due by now, each at its own instant."""
    while True:
        at, _, _, fire = min(timers(office), key=lambda timer: timer[:3])
        if at > now:
            break
        office.now = at
        fire()
    office.now = now


def timers(office: Office) -> list[Timer]:
    """All that will happen by itself, as things stand; a draft is always among it."""
    month = next_month(office)
    found: list[Timer] = [(draft_instant(month), DRAFT, month, partial(draft, office, month))]
    for one in office.suspensions:
        if not one.in_force and one.lifted is None:
            found.append(
                (one.begins_at, SUSPENSION, one.suspension_id, partial(begin, office, one))
            )
    for statement in office.statements:
        limit = due(statement)
        if limit and (statement.statement_id, limit) not in office.reminded:
            found.append(
                (limit, REMINDER, statement.statement_id, partial(remind, office, statement))
            )
    return found


def remind(office: Office, statement: Statement) -> None:
    """Silence never pays: it is reminded."""
    office.reminded.add((statement.statement_id, office.now))
    if statement.total_fen > 0:
        statement.note("reminded", office.now, "system")

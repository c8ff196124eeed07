"""`A3.3-feedback` (section 8): tickets crowd on one product, told again from the openings alone.

Raised at once by the opening that completes five tickets, or tickets of three hospitals, on one product
within the last 30 local days; cleared at the first close whose window no longer holds that.

Readings
- The last 30 local days are the opening day and the 29 before it; at a close, that day and the 29 before.
- What becomes of a ticket does not matter: a confirmed or a closed one was a complaint all the same.
- A close at T comes before an opening at T, and does not know it: the alert may be cleared and raised
  anew at one instant.
- The tickets of the figure are those at raising, the completing one included; whose areas they come
  from see the alert. Tickets that follow while it is open change nothing.
- It is always cleared as `recovered`: the rule knows no sample.
- No rate is judged: the figure counts the tickets over nothing, so its percent is null, and the
  threshold shown is the five tickets.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime

from tests.oracle.alerts import Alert, closing_days, divisions_of
from tests.oracle.calendar import end_of, local_day
from tests.oracle.complaints import Ticket
from tests.oracle.orders import Orders
from tests.oracle.ratios import Rate
from tests.oracle.windows import window

RULE = "A3.3-feedback"
TICKETS, HOSPITALS = 5, 3
Happening = tuple[datetime, date, Ticket | None]


def within(tickets: list[Ticket], day: date) -> list[Ticket]:
    """Those opened in the 30 days that end with a day."""
    first, last = window("30d", day)
    return [one for one in tickets if first <= local_day(one.opened_at) <= last]


def crowded(tickets: list[Ticket]) -> bool:
    """Whether these are too many for one product."""
    return len(tickets) >= TICKETS or len({one.hospital_id for one in tickets}) >= HOSPITALS


def happenings(model: Orders, since: datetime, until: datetime) -> list[Happening]:
    """Every close and every opening of a run as they came: at one instant the close is first."""
    closes: Iterator[Happening] = ((end_of(d), d, None) for d in closing_days(since, until))
    openings: Iterator[Happening] = (
        (one.opened_at, local_day(one.opened_at), one)
        for one in model.complaints.tickets.values()
        if one.opened_at <= until
    )
    return sorted([*closes, *openings], key=lambda it: it[0])


def concentrated(model: Orders, since: datetime, until: datetime) -> list[Alert]:
    """Every alert of a run, in order of raising."""
    told: list[Alert] = []
    still_open: dict[str, Alert] = {}
    opened: defaultdict[str, list[Ticket]] = defaultdict(list)
    for at, day, ticket in happenings(model, since, until):
        if ticket is None:
            for product in list(still_open):
                if not crowded(within(opened[product], day)):
                    alert = still_open.pop(product)
                    alert.cleared_at, alert.cleared_because = at, "recovered"
            continue
        product = ticket.product_id
        opened[product].append(ticket)
        found = within(opened[product], day)
        if product not in still_open and crowded(found):
            still_open[product] = raised(product, at, found)
            told.append(still_open[product])
    return told


def raised(product: str, at: datetime, tickets: list[Ticket]) -> Alert:
    """The alert of an opening."""
    ids = tuple(one.ticket_id for one in tickets)
    return Alert(RULE, "product", product, at, Rate(len(ids), 0), TICKETS, tickets=ids)


def areas_of(model: Orders, alert: Alert) -> set[str]:
    """The divisions of the lines or tickets of the figure at raising: whose bureaus see it."""
    if alert.rule != RULE:
        return divisions_of(model, alert)
    return {model.complaints.tickets[one].division for one in alert.tickets}

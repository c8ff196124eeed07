"""The row of a ticket (工单行): read and written many at a time, always in the order of the ids.

As with lines, a write counts only on the revision that was read, so that of two owners none is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from services.alerts.projections.freezing import ever_written, keeping

Row = tuple[Any, ...]
"""As `STORED` names it, the addressees joined by spaces."""


class KnownTicket(NamedTuple):
    """What a fold needs of a row that stands (已知工单)."""

    revision: int
    since: int
    facts: bytes


class TicketSubject(NamedTuple):
    """Whose ticket it is, as stored with it (统计主体与维度)."""

    product_id: str
    hospital_id: str
    division: str
    level: str | None
    category: str | None
    addressees: str


UNOPENED: Final = (None,) * 5
"""What is not known of a ticket whose opening has not arrived."""

_COLUMNS: Final = {
    "ticket_id": "text",
    "revision": "int",
    "since": "int",
    "due_day": "date",
    "solved": "bool",
    "opened_at": "timestamptz",
    "opened_on": "date",
    "complaint": "text",
    "product_id": "text",
    "hospital_id": "text",
    "division": "text",
    "level": "text",
    "category": "text",
    "addressees": "text",
    "facts": "bytea",
}
STORED: Final = tuple(_COLUMNS)
"""The columns of a row."""

_ARRAYS: Final = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(_COLUMNS.values(), 1))
_NAMES: Final = ", ".join(STORED)
# Addressees travel joined: an array of arrays would be flattened.
_VALUES: Final = ", ".join(
    "string_to_array(u.addressees, ' ')" if name == "addressees" else f"u.{name}" for name in STORED
)
_EXCLUDED: Final = ", ".join(f"excluded.{name}" for name in STORED)

_LOAD: Final = """
SELECT ticket_id, revision, since, facts FROM tickets WHERE ticket_id = ANY($1::text[])
ORDER BY ticket_id FOR UPDATE"""

_PUT: Final = f"""
INSERT INTO tickets AS t ({_NAMES}) SELECT {_VALUES} FROM unnest({_ARRAYS}) AS u ({_NAMES})
ON CONFLICT (ticket_id) DO UPDATE SET ({_NAMES}) = ROW ({_EXCLUDED})
WHERE t.revision = excluded.revision - 1"""

EVER_TICKETS: Final = ever_written("tickets", STORED)
"""The tickets of now and those that are kept, as something to select from."""

_KEEP: Final = keeping("tickets", ("ticket_id",), STORED)


async def load_tickets(tx: Any, ids: Sequence[str]) -> dict[str, KnownTicket]:
    """Every known ticket of these, with nobody else writing them until we are done (加锁读取)."""
    rows = await tx.fetch(_LOAD, ids)
    return {row[0]: KnownTicket(row[1], row[2], row[3]) for row in rows}


async def put_tickets(tx: Any, rows: Mapping[str, Row]) -> int:
    """Write these rows over those of the revision read, in the order of their ids; returns how many."""
    if not rows:
        return 0
    columns = map(list, zip(*(rows[id_] for id_ in sorted(rows)), strict=True))
    status: str = await tx.execute(_PUT, *columns)
    return int(status.rpartition(" ")[2])


async def keep_tickets(tx: Any, ids: Sequence[str], issued: int) -> None:
    """Keep these rows as they stand for the publications up to now; before they are rewritten."""
    if ids:
        await tx.execute(_KEEP, ids, issued)

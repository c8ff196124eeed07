"""Entries as they are looked up (凭证查询)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from services.settlement.projections.chain import ENTRY, SIDES, entry_in
from shared.kernel.entries import Entry

_SELECT: Final = f"""
SELECT {ENTRY}, c.seq, encode(c.sha256, 'hex') AS sha256
FROM (SELECT * FROM entries WHERE {{where}} ORDER BY entry_id LIMIT {{limit}}) e
LEFT JOIN sealed c ON c.entry_id = e.entry_id, {SIDES} ORDER BY e.entry_id"""
_LIST: Final = _SELECT.format(where="entry_id > $1 AND starts_with(division, $2)", limit="$3")
_FIND: Final = _SELECT.format(where="entry_id = $1", limit="1")


class Stored(NamedTuple):
    """An entry with its place: its division, and where it stands in the chain once it is sealed."""

    entry: Entry
    division: str
    seq: int | None
    sha256: str | None


async def list_entries(connection: Any, area: str, *, after: str, limit: int) -> Sequence[Stored]:
    """Entries of an area, by id."""
    return [_stored(row) for row in await connection.fetch(_LIST, after, area, limit)]


async def find_entry(connection: Any, entry_id: str) -> Stored | None:
    """One entry."""
    row = await connection.fetchrow(_FIND, entry_id)
    return None if row is None else _stored(row)


def _stored(row: Any) -> Stored:
    return Stored(entry_in(row), row["division"], row["seq"], row["sha256"])

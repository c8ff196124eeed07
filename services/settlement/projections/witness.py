"""What the log says of the chain, and what the tables say (账本核对): two witnesses of one ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from services.settlement.projections.chain import ENTRY, SIDES, entry_in
from shared.events.settlement import FACTS, BlockSealed, RootPublished
from shared.kernel.entries import Entry

_PAGE: Final = 100

_TOLD: Final = """
SELECT version, type, fact FROM events
WHERE stream = $1 AND version > $2 AND version <= $3 ORDER BY version LIMIT $4"""

_STANDING: Final = f"""
SELECT w.entry_id AS told, {ENTRY}, c.entry_id AS placed, encode(c.sha256, 'hex') AS placed_sha256
FROM unnest($1::bigint[], $2::text[]) w(seq, entry_id)
LEFT JOIN sealed c ON c.seq = w.seq
LEFT JOIN entries e ON e.entry_id = w.entry_id
LEFT JOIN {SIDES} ON true ORDER BY w.seq"""

_END: Final = """
SELECT coalesce((SELECT version FROM streams WHERE stream = $1), 0) AS told,
       (SELECT max(number) FROM blocks) AS blocks,
       coalesce((SELECT max(seq) FROM sealed), 0) AS entries"""

# An entry that stands before the chain's end and is not in it was slipped in, or cut out of it.
_SLIPPED: Final = """
SELECT e.entry_id FROM (SELECT * FROM blocks ORDER BY number DESC LIMIT 1) b, entries e
WHERE (e.epoch, e.xid, e.number) <= (b.epoch, b.xid, b.entry)
  AND NOT EXISTS (SELECT FROM sealed c WHERE c.entry_id = e.entry_id)
ORDER BY e.epoch, e.xid, e.number LIMIT 1"""

_WRONG_BALANCES: Final = """
SELECT account, day, division FROM (
    SELECT p.account, e.day, e.division, sum(p.debit_fen) AS debit_fen, sum(p.credit_fen) AS credit_fen
    FROM sealed c JOIN entries e USING (entry_id) JOIN postings p USING (entry_id)
    GROUP BY p.account, e.day, e.division) AS summed
FULL JOIN account_days d USING (account, day, division)
WHERE summed.debit_fen IS DISTINCT FROM d.debit_fen
   OR summed.credit_fen IS DISTINCT FROM d.credit_fen
ORDER BY account, day, division LIMIT 20"""


class End(NamedTuple):
    """How far each witness goes: the log's facts, the blocks, the entries in the chain."""

    told: int
    blocks: int
    entries: int


class Standing(NamedTuple):
    """What the tables hold where the log tells of an entry; None where it is gone."""

    entry: Entry | None
    division: str
    placed: str | None
    placed_sha256: str | None


async def end_of_chain(connection: Any, stream: str) -> End:
    """How far each goes now: one statement, so one snapshot."""
    return End(*await connection.fetchrow(_END, stream))


async def told(
    connection: Any, stream: str, until: int
) -> AsyncIterator[tuple[int, BlockSealed | RootPublished]]:
    """The log's facts of the chain in their order, each with its version."""
    version = 0
    while rows := await connection.fetch(_TOLD, stream, version, until, _PAGE):
        for row in rows:
            version = row["version"]
            form: Any = FACTS[row["type"]]
            yield version, msgspec.json.decode(row["fact"], type=form)


async def standing(connection: Any, block: BlockSealed) -> list[Standing]:
    """What the tables hold in the places of a block's entries."""
    first = block.first_seq
    rows = await connection.fetch(
        _STANDING,
        list(range(first, first + len(block.entries))),
        [one.entry_id for one in block.entries],
    )
    return [
        Standing(
            None if row["key"] is None else entry_in(row),
            row["division"] or "",
            row["placed"],
            row["placed_sha256"],
        )
        for row in rows
    ]


async def block_standing(connection: Any, number: int) -> tuple[str, int] | None:
    """A block's hash and how many entries stand up to its end; None where it is gone."""
    row = await connection.fetchrow(
        "SELECT encode(sha256, 'hex'), entries FROM blocks WHERE number = $1", number
    )
    return None if row is None else (row[0], row[1])


async def placed_at(connection: Any, seq: int) -> str | None:
    """The entry in this place of the chain, or the next one behind it."""
    entry_id: str | None = await connection.fetchval(
        "SELECT entry_id FROM sealed WHERE seq >= $1 ORDER BY seq LIMIT 1", seq
    )
    return entry_id


async def slipped_in(connection: Any) -> str | None:
    """An entry before the chain's end that is not part of it."""
    entry_id: str | None = await connection.fetchval(_SLIPPED)
    return entry_id


async def wrong_balances(connection: Any) -> Sequence[str]:
    """Running sums that are not the sum of what is sealed: account and day."""
    rows = await connection.fetch(_WRONG_BALANCES)
    return [f"{row['account']} {row['day'].isoformat()}" for row in rows]

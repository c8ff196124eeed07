"""The chain as stored (存证链): what is not sealed yet, in commit order, and what is.

Only entries of transactions older than every open one are taken (the visibility horizon), so none
can appear behind a block later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from shared.events.settlement import BlockSealed
from shared.kernel.entries import Entry, Posting

_HEAD: Final = "(SELECT * FROM blocks ORDER BY number DESC LIMIT 1) b"
_BEHIND: Final = "(e.epoch, e.xid, e.number) > (b.epoch, b.xid, b.entry)"
_SETTLED: Final = """
(e.epoch < (SELECT epoch FROM log_head) OR e.xid < pg_snapshot_xmin(pg_current_snapshot()))"""

SIDES: Final = """
LATERAL (SELECT array_agg(account ORDER BY line) AS accounts,
                array_agg(debit_fen ORDER BY line) AS debits,
                array_agg(credit_fen ORDER BY line) AS credits
         FROM postings p WHERE p.entry_id = e.entry_id) s"""
ENTRY: Final = "e.entry_id, e.key, e.at, e.division, e.reverses, s.accounts, s.debits, s.credits"

# Asked for one, in order: the planner, who cannot know how few are behind, then takes the index.
_ANY: Final = f"""
SELECT (SELECT true FROM entries e WHERE {_BEHIND} AND {_SETTLED}
        ORDER BY e.epoch, e.xid, e.number LIMIT 1) IS NOT NULL
FROM {_HEAD}"""

# The place is given, not joined: only then does the index bring the order, and nothing is sorted.
_NEXT: Final = f"""
SELECT {ENTRY}, e.epoch, e.xid::text AS xid_text, e.number
FROM (SELECT * FROM entries e
      WHERE (e.epoch, e.xid, e.number) > ($2::int, $3::text::xid8, $4::bigint) AND {_SETTLED}
      ORDER BY e.epoch, e.xid, e.number LIMIT $1) e, {SIDES}
ORDER BY e.epoch, e.xid, e.number"""

_ADD_UP: Final = """
INSERT INTO account_days AS d (account, day, division, debit_fen, credit_fen)
SELECT p.account, e.day, e.division, sum(p.debit_fen), sum(p.credit_fen)
FROM entries e JOIN postings p USING (entry_id) WHERE e.entry_id = ANY($1)
GROUP BY p.account, e.day, e.division ORDER BY 1, 2, 3
ON CONFLICT (account, day, division) DO UPDATE SET
    debit_fen = d.debit_fen + excluded.debit_fen, credit_fen = d.credit_fen + excluded.credit_fen"""


class Unsealed(NamedTuple):
    """An entry that the chain takes next, and its place in the order of commits."""

    entry: Entry
    division: str
    place: tuple[int, str, int]


def entry_in(row: Any) -> Entry:
    """The entry of a row with the columns of `ENTRY`."""
    sides = zip(row["accounts"] or (), row["debits"] or (), row["credits"] or (), strict=True)
    return Entry(
        row["entry_id"], row["key"], row["at"], [Posting(*side) for side in sides], row["reverses"]
    )


async def anything_unsealed(connection: Any) -> bool:
    """Whether an entry stands behind the chain that nothing can come before any more."""
    found: bool = await connection.fetchval(_ANY)
    return found


async def next_unsealed(tx: Any, limit: int) -> list[Unsealed]:
    """The entries that come next, in the order of their commits; behind the sealer's lock."""
    head = await tx.fetchrow(f"SELECT epoch, xid::text AS xid_text, entry FROM {_HEAD}")
    rows = await tx.fetch(_NEXT, limit, *head)
    return [
        Unsealed(entry_in(row), row["division"], (row["epoch"], row["xid_text"], row["number"]))
        for row in rows
    ]


async def write_block(tx: Any, block: BlockSealed, last: tuple[int, str, int]) -> None:
    """The block, its entries' places, and what they add to the running sums."""
    first = block.first_seq
    await tx.copy_records_to_table(
        "sealed",
        columns=("seq", "entry_id", "sha256"),
        records=[
            (seq, one.entry_id, bytes.fromhex(one.sha256))
            for seq, one in enumerate(block.entries, first)
        ],
    )
    await tx.execute(_ADD_UP, [one.entry_id for one in block.entries])
    await tx.execute(
        """INSERT INTO blocks (number, at, entries, sha256, epoch, xid, entry)
           VALUES ($1, $2, $3, $4, $5, $6::text::xid8, $7)""",
        block.number,
        block.at,
        first + len(block.entries) - 1,
        bytes.fromhex(block.root),
        *last,
    )


# The tail is short, which the planner cannot know: its order asks for the index, and OFFSET keeps it
# from a scan of all postings.
_BALANCE: Final = f"""
SELECT coalesce(sum(debit_fen), 0) AS debit_fen, coalesce(sum(credit_fen), 0) AS credit_fen FROM (
    SELECT debit_fen, credit_fen FROM account_days
    WHERE account = $1 AND day <= $2 AND starts_with(division, $3)
    UNION ALL
    SELECT p.debit_fen, p.credit_fen
    FROM {_HEAD},
         LATERAL (SELECT e.entry_id, e.day, e.division FROM entries e WHERE {_BEHIND}
                  ORDER BY e.epoch, e.xid, e.number OFFSET 0) e,
         LATERAL (SELECT debit_fen, credit_fen FROM postings
                  WHERE entry_id = e.entry_id AND account = $1 OFFSET 0) p
    WHERE e.day <= $2 AND starts_with(e.division, $3)) AS both_parts"""


async def balance(connection: Any, account: str, day: Any, area: str) -> tuple[int, int]:
    """Debits and credits up to a local day, that day included, of the entries of an area (余额).

    Running sums of what is sealed, and the few entries behind: one statement, so one snapshot.
    """
    row = await connection.fetchrow(_BALANCE, account, day, area)
    return int(row["debit_fen"]), int(row["credit_fen"])


_BLOCKS: Final = """
SELECT number, at, entries, encode(sha256, 'hex') AS root,
       encode(lag(sha256) OVER (ORDER BY number), 'hex') AS previous
FROM blocks WHERE number >= $1 ORDER BY number LIMIT $2"""


async def list_blocks(connection: Any, *, after: int, limit: int) -> Sequence[Any]:
    """Blocks behind this number, each with the one it stands on; the genesis is none."""
    rows: list[Any] = await connection.fetch(_BLOCKS, after, limit + 1)
    return rows[1:]

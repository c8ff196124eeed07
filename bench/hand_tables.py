"""The tables of the pipeline written by hand: a log, a line's row, sums, offsets."""

from __future__ import annotations

import asyncio

import asyncpg

TABLES = """
CREATE TABLE IF NOT EXISTS events (
  position bigint GENERATED ALWAYS AS IDENTITY, xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  source text COLLATE "C" NOT NULL, event_id text COLLATE "C" NOT NULL, order_id text NOT NULL,
  payload bytea NOT NULL, PRIMARY KEY (source, event_id));
CREATE INDEX IF NOT EXISTS events_in_order ON events (xid, position);
CREATE TABLE IF NOT EXISTS lines (
  order_id text COLLATE "C", line_id text COLLATE "C", distributor text, response_day date,
  delivery_day date, answer_due timestamptz, delivery_due timestamptz, quantity bigint,
  back_entered bool, has_agreement bool, answered_at timestamptz, accepted bool, reason text,
  cancelled_at timestamptz, arrives bigint, arrived_at timestamptz,
  PRIMARY KEY (order_id, line_id)) WITH (fillfactor = 70);
CREATE TABLE IF NOT EXISTS sums (
  distributor text COLLATE "C", day date, answers bigint, accepted bigint, deliveries bigint,
  on_time bigint, PRIMARY KEY (distributor, day)) WITH (fillfactor = 50);
CREATE TABLE IF NOT EXISTS places (name text PRIMARY KEY, place text NOT NULL)"""

START = "0:0"

READ = """
SELECT xid::text AS x, position, order_id, payload FROM events e
WHERE (e.xid, e.position) > ($1::text::xid8, $2::bigint)
  AND e.xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY e.xid, e.position LIMIT 2000"""
"""Behind the horizon: a position alone would lose what commits later."""


async def place_of(connection: asyncpg.Connection, name: str, start: str = START) -> str:
    """Where a reader stands."""
    await connection.execute(
        "INSERT INTO places VALUES ($1, $2) ON CONFLICT DO NOTHING", name, start
    )
    place: str = await connection.fetchval("SELECT place FROM places WHERE name = $1", name)
    return place


async def read(
    connection: asyncpg.Connection, place: str, query: str = READ
) -> tuple[list[asyncpg.Record], str]:
    """The next rows of the log behind a place, and the place behind them."""
    xid, position = place.split(":")
    rows = await connection.fetch(query, xid, int(position))
    return rows, f"{rows[-1]['x']}:{rows[-1]['position']}" if rows else place


async def move(connection: asyncpg.Connection, moves: list[tuple[str, str, str]]) -> None:
    """Move readers from one place to another; raises where somebody else has moved one."""
    names, olds, news = map(list, zip(*moves, strict=True))
    done = await connection.execute(
        """UPDATE places AS p SET place = u.new
           FROM unnest($1::text[], $2::text[], $3::text[]) AS u (name, old, new)
           WHERE p.name = u.name AND p.place = u.old""",
        names, olds, news,
    )  # fmt: skip
    if int(done.rpartition(" ")[2]) != len(moves):
        raise RuntimeError(f"fenced: {names}")


class Idle:
    """Looks again after a millisecond; who has found nothing for long looks less often."""

    def __init__(self) -> None:
        self._empty = 0

    async def __call__(self, found: bool) -> None:
        """Say whether the last look found anything; waits when it did not."""
        self._empty = 0 if found else self._empty + 1
        if self._empty:
            await asyncio.sleep(0.001 if self._empty < 200 else 0.05)

"""How late a deadline fires: `jicai serve feedback` by the real clock, a million others pending.

Twenty fall due each second, at the second. The end is the commit instant of a ticket's first fact,
by the database's clock, which also says when it was due.
"""

from __future__ import annotations

import asyncio
import statistics
from datetime import timedelta

import asyncpg

from bench.machine import Machine
from bench.pairs import Line, console, summarise
from bench.pending import HOSPITAL, pending_house
from bench.prepared import serve
from bench.scale import Scale

GOAL_SECONDS = 1.0
_EACH_SECOND = 20
_AHEAD = timedelta(seconds=5)

_MAKE_DUE = """
WITH soon AS (
  SELECT 'ticket-{hospital}-' || lpad(n::text, 8, '0') AS stream,
    date_trunc('second', clock_timestamp()) + $1 + interval '1 s' * ((n - $2) / {each}) AS due
  FROM generate_series($2::int, $2::int + $3::int - 1) AS n)
UPDATE feedback.streams s SET next_due = soon.due, last_due = soon.due,
  state = convert_to(replace(convert_from(s.state, 'UTF8'), {was}, {is_now}), 'UTF8')
FROM soon WHERE s.stream = soon.stream"""
_TEXT = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""

_FIRED = """
SELECT count(*) AS facts,
  extract(epoch FROM min(pg_xact_commit_timestamp(e.xmin)) - $1
    - interval '1 s' * ((right(stream, 8)::int - $2) / {each}))::float8 AS late
FROM feedback.events e WHERE starts_with(stream, 'ticket-') AND right(stream, 8)::int >= $2
GROUP BY stream"""


async def fire_delay(machine: Machine, scale: Scale) -> list[Line]:
    """The 99th of a hundred of each round; none early, none twice, none left out."""
    connection = await asyncpg.connect(machine.dsn("postgres"))
    first = await connection.fetchval("SELECT date_trunc('day', now()) + interval '40 days'")
    await connection.close()
    house = await pending_house(machine, "ours", scale.pending, first)
    await house.pool.close()
    serve(machine, "feedback", machine.dsn("ours"))
    rounds = []
    for number in range(scale.rounds):
        took = await _round(machine, number, round(2 * scale.paced_seconds))
        rounds.append(took)
        cuts = statistics.quantiles(took, n=100)
        console.print(f"  fire_delay {number + 1}: p50 {cuts[49]:.2f} s, p99 {cuts[98]:.2f} s")
    machine.end_programs()
    await machine.drop("ours")
    took = [one for some in rounds for one in some]
    note = (
        f"{len(took)} tickets, {_EACH_SECOND} due each second, {scale.pending:,} others pending: "
        f"p50 {statistics.median(took):.2f} s, latest {max(took):.2f} s, earliest {min(took):.3f} s; "
        "none early, none twice, none left out; from the due instant to the commit of its fact, "
        "jicai serve feedback by the real clock; fsync on"
    )
    shares = [statistics.quantiles(some, n=100)[98] / GOAL_SECONDS for some in rounds]
    return [summarise("fire_delay", shares, note)]


async def _round(machine: Machine, number: int, seconds: int) -> list[float]:
    """Some tickets fall due, one group a second; how late each fired."""
    count = seconds * _EACH_SECOND
    first = number * count
    connection = await asyncpg.connect(machine.dsn("ours"))
    try:
        statement = _MAKE_DUE.format(
            hospital=HOSPITAL, each=_EACH_SECOND, was=_TEXT.format("s.next_due"),
            is_now=_TEXT.format("soon.due"),
        )  # fmt: skip
        done = await connection.execute(statement, _AHEAD, first, count)
        assert done == f"UPDATE {count}", done
        begins = await connection.fetchval(
            "SELECT min(next_due) FROM feedback.streams WHERE next_due > now()"
        )
        await asyncio.sleep(_AHEAD.total_seconds() + seconds + 3)
        rows = await connection.fetch(_FIRED.format(each=_EACH_SECOND), begins, first)
    finally:
        await connection.close()
    assert len(rows) == count, f"{len(rows)} of {count} have fired"
    assert {row["facts"] for row in rows} == {2}, "a ticket fires once: it goes up and is told to"
    took = [row["late"] for row in rows]
    assert min(took) >= 0, f"{-min(took):.3f} s early"
    return took

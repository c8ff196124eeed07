"""What history costs: ingest into a store with much of it, over ingest into a small one.

Event ids are random, so each event meets another page of the identity's index. The first touch of a
page after a checkpoint writes the whole page to the WAL, and a large index has many: the cost of a
large store falls for some ten thousand events after each checkpoint. Rounds that are not measured
come first, so that what is measured is the lasting cost; the note says what the first ones cost.
"""

from __future__ import annotations

import statistics

from bench.filling import fill
from bench.ingest import CLIENTS, send, warm_up
from bench.load import lanes, write_requests
from bench.machine import Machine, Program
from bench.pairs import Line, Run, console, figures, interleave, summarise
from bench.prepared import TEMPLATE, serve
from bench.scale import Scale

_COPY_EVENTS = """
INSERT INTO orders.events (position, topic, stream, version, source, event_id, type, occurred_at,
  recorded_at, sha256, payload, fact, hospital_id, distributor_id, manufacturers)
SELECT position + {n} * 1000000000::bigint, topic, stream || '-{n}', version, source,
  md5(event_id || '-{n}'), type, occurred_at, recorded_at, sha256, payload, fact, hospital_id,
  distributor_id, manufacturers
FROM orders.events WHERE position < 1000000000 AND starts_with(stream, 'order-')
ORDER BY position"""

_COPY_STREAMS = """
INSERT INTO orders.streams (stream, version, state, next_due, first_position, hospital_id,
  distributor_id, manufacturers, states, last_due)
SELECT stream || '-{n}', version, state, next_due, first_position + {n} * 1000000000::bigint, hospital_id,
  distributor_id, manufacturers, states, last_due
FROM orders.streams WHERE first_position < 1000000000 AND starts_with(stream, 'order-')
ORDER BY first_position"""


async def cost_growth(machine: Machine, scale: Scale) -> list[Line]:
    """Many short rounds in turns on a large store and on a small one."""
    count = await fill(await machine.create("small", TEMPLATE), lanes(CLIENTS, "h"), scale.small)
    await machine.create("large", "small")
    for n in range(1, scale.copies + 1):
        copies = [statement.format(n=n) for statement in (_COPY_EVENTS, _COPY_STREAMS)]
        await machine.execute("large", "SET synchronous_commit = off", *copies)
    many = count * (scale.copies + 1)
    for database in ("small", "large"):
        await machine.execute(database, "VACUUM ANALYZE")
    await machine.execute("large", "CHECKPOINT")
    console.print(f"  {count:,} and {many:,} events stand")
    large = serve(machine, "orders", machine.dsn("large"))
    small = serve(machine, "orders", machine.dsn("small"))
    its_lanes = lanes(CLIENTS, "i")
    path = str(machine.directory / "growth")

    async def round_of(program: Program) -> Run:
        return send(machine, [program], path)

    write_requests(path, its_lanes, 4)
    for program in (large, small):
        warm_up(machine, [program])
        await round_of(program)

    async def next_requests() -> None:
        write_requests(path, its_lanes, max(2, scale.batches // 3))

    sides = (lambda _: round_of(large), lambda _: round_of(small))
    first = await interleave("settling", scale.settling, *sides, before=next_requests)
    pairs = await interleave(
        "cost_growth",
        2 * scale.rounds,
        *sides,
        before=next_requests,
    )
    machine.end_programs()
    for database in ("small", "large"):
        await machine.drop(database)
    cpu = [a.core_us / b.core_us for a, b in pairs]
    wall = statistics.median(b.rate / a.rate for a, b in pairs)
    fresh = statistics.median(a.core_us / b.core_us for a, b in first)
    note = (
        f"CPU an event, application and PostgreSQL, with {many:,} events in the store over that "
        f"with {count:,}: {figures([a for a, _ in pairs])} against "
        f"{figures([b for _, b in pairs])}; by the wall clock {wall:.3f}; in the rounds after a "
        f"checkpoint {fresh:.2f}; random ids; fsync on"
    )
    return [summarise("cost_growth", cpu, note)]

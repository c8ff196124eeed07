"""One event a request, from 32 clients: what committing waiting requests together is worth."""

from __future__ import annotations

from pathlib import Path

import msgspec

from bench.ingest import send
from bench.load import Lane, lanes, request, write_requests
from bench.machine import Machine, Program
from bench.pairs import Line, Run, figures, interleave, rates, summarise
from bench.prepared import TEMPLATE, serve
from bench.scale import Scale

CLIENTS = 32
_GROUP = 24
"""Orders a client begins in a round: 120 requests."""


async def single_vs_each(machine: Machine, scale: Scale) -> list[Line]:
    """Against the same server with a transaction a request; then against a bare one with an INSERT."""
    ours = serve(machine, "orders", await machine.create("ours", TEMPLATE))
    dsn = await machine.create("each", TEMPLATE)
    each = machine.run("bench.each_app", "serve", "orders", "--port", "0", dsn=dsn)
    raw = machine.run("bench.raw_app", dsn=await machine.create("raw"))
    its_lanes = lanes(CLIENTS, "o", _GROUP)
    path = str(machine.directory / "singles")
    # The first batches of a lane are not full; they also warm the programs.
    write_requests(path, its_lanes, 4)
    for program in (ours, each, raw):
        send(machine, [program], path)

    async def next_requests() -> None:
        write_singles(path, its_lanes)
        await machine.execute("postgres", "CHECKPOINT")

    async def round_of(program: Program) -> Run:
        return send(machine, [program], path)

    lines = []
    for name, reference, what in (
        ("single_vs_each", each, "the same server, a transaction a request, 3 at a time"),
        ("single_vs_raw", raw, "bare ASGI + msgspec, an INSERT a request, 4 at a time"),
    ):
        pairs = await interleave(
            name,
            scale.rounds,
            lambda _: round_of(ours),
            lambda _, side=reference: round_of(side),
            before=next_requests,
        )
        mine, theirs = [a for a, _ in pairs], [b for _, b in pairs]
        note = (
            f"one event a request, {CLIENTS} clients: group commit {figures(mine)}; {what} "
            f"{figures(theirs)}; {mine[0].work} requests a round, all accepted; fsync on"
        )
        lines.append(summarise(name, rates(pairs), note))
    machine.end_programs()
    for database in ("ours", "each", "raw"):
        await machine.drop(database)
    return lines


def write_singles(path: str, its_lanes: list[Lane]) -> None:
    """The next batch of each lane, one event a request: an order's five stay in order."""
    found = [[(1, request([event])) for event in lane.batch()] for lane in its_lanes]
    Path(path).write_bytes(msgspec.msgpack.encode(found))

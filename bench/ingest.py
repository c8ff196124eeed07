"""Facts in over HTTP: our `orders` against a raw door, and against the usual one."""

from __future__ import annotations

from collections.abc import Sequence

from bench.load import lanes, write_requests
from bench.machine import Machine, Program
from bench.pairs import Line, Run, figures, interleave, rates, summarise
from bench.prepared import TEMPLATE, serve
from bench.scale import Scale

CLIENTS = 4


async def ingest_vs_raw(machine: Machine, scale: Scale) -> list[Line]:
    """Against bare ASGI, msgspec and one INSERT; then two replicas of ours against the same."""
    what = "raw ASGI + msgspec"
    return [
        await _against(machine, scale, "ingest_vs_raw", "bench.raw_app", what),
        await _against(
            machine, scale, "ingest_two_replicas_vs_raw", "bench.raw_app", what, replicas=2
        ),
    ]


async def ingest_vs_fastapi_core(machine: Machine, scale: Scale) -> list[Line]:
    """Against FastAPI, pydantic and SQLAlchemy Core."""
    what = "FastAPI + pydantic + SQLAlchemy Core"
    return [await _against(machine, scale, "ingest_vs_fastapi_core", "bench.core_app", what)]


async def _against(
    machine: Machine, scale: Scale, name: str, module: str, what: str, *, replicas: int = 1
) -> Line:
    dsn = await machine.create("ours", TEMPLATE)
    ours = [serve(machine, "orders", dsn) for _ in range(replicas)]
    reference = [machine.run(module, dsn=await machine.create("reference"))]
    its_lanes = lanes(CLIENTS, "a")
    path = str(machine.directory / "requests")

    # The first batches of a lane are not full: both sides take them before the clock starts.
    write_requests(path, its_lanes, 4)
    for programs in (ours, reference):
        warm_up(machine, programs)
        send(machine, programs, path)

    async def next_requests() -> None:
        write_requests(path, its_lanes, scale.batches)
        await machine.execute("postgres", "CHECKPOINT")

    async def round_of(programs: Sequence[Program]) -> Run:
        return send(machine, programs, path)

    pairs = await interleave(
        name,
        scale.rounds,
        lambda _: round_of(ours),
        lambda _: round_of(reference),
        before=next_requests,
    )
    stored = await machine.fetch("ours", "SELECT count(*) FROM orders.events WHERE topic <> ''")
    machine.end_programs()
    await machine.drop("ours")
    await machine.drop("reference")
    mine, theirs = [a for a, _ in pairs], [b for _, b in pairs]
    note = (
        f"orders, {replicas} process(es), {figures(mine)}; {what}, 1 process, {figures(theirs)}; "
        f"{CLIENTS} clients, batches of 500, 3 lines an order, {mine[0].work} events a round, "
        f"all accepted; {stored} rows in our log at the end; one PostgreSQL, fsync on"
    )
    return summarise(name, rates(pairs), note)


def warm_up(machine: Machine, programs: Sequence[Program]) -> None:
    """A few batches of other orders, so that plans and caches stand."""
    path = machine.directory / "warm-up"
    if not path.exists():
        write_requests(str(path), lanes(CLIENTS, "w"), 6)
    send(machine, programs, str(path))


def send(
    machine: Machine, programs: Sequence[Program], path: str, *, expected: str = "accepted"
) -> Run:
    """Let the load generator send a file, every answer checked; what it cost."""
    app, database = sum(program.cpu for program in programs), machine.database_cpu
    urls = [program.url for program in programs]
    seconds, count, _ = map(float, machine.call("bench.sender", path, expected, *urls).split())
    app = sum(program.cpu for program in programs) - app
    return Run(int(count), seconds, app, machine.database_cpu - database)

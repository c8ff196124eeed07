"""Facts in over HTTP: our `orders` against a raw door, and against the usual one."""

from __future__ import annotations

from bench.load import lanes, write_requests
from bench.machine import Machine, Program
from bench.pairs import Line, Run, figures, interleave, rates, summarise
from bench.prepared import TEMPLATE, serve
from bench.scale import Scale

CLIENTS = 4


async def ingest_vs_raw(machine: Machine, scale: Scale) -> list[Line]:
    """Against bare ASGI, msgspec and one INSERT."""
    return await _against(machine, scale, "ingest_vs_raw", "bench.raw_app", "raw ASGI + msgspec")


async def ingest_vs_fastapi_core(machine: Machine, scale: Scale) -> list[Line]:
    """Against FastAPI, pydantic and SQLAlchemy Core."""
    return await _against(
        machine, scale, "ingest_vs_fastapi_core", "bench.core_app", "FastAPI + pydantic + Core"
    )


async def _against(machine: Machine, scale: Scale, name: str, module: str, what: str) -> list[Line]:
    ours = serve(machine, "orders", await machine.create("ours", TEMPLATE))
    reference = machine.run(module, dsn=await machine.create("reference"))
    its_lanes = lanes(CLIENTS, "a")
    for program in (ours, reference):
        warm_up(machine, program)

    async def round_of(program: Program, database: str, number: int) -> Run:
        await machine.execute(database, "CHECKPOINT")
        return send(machine, program, round_file(number))

    def round_file(number: int) -> str:
        path = machine.directory / f"{name}-{number}"
        if not path.exists():
            write_requests(path, its_lanes, scale.batches)
        return str(path)

    # The first batches of a lane are not full: both sides take them before the clock starts.
    first = machine.directory / f"{name}-first"
    write_requests(first, its_lanes, 4)
    for program in (ours, reference):
        send(machine, program, str(first))
    pairs = await interleave(
        name,
        scale.rounds,
        lambda n: round_of(ours, "ours", n),
        lambda n: round_of(reference, "reference", n),
    )
    stored = await machine.fetch("ours", "SELECT count(*) FROM orders.events WHERE topic <> ''")
    await _finish(machine)
    mine, theirs = [a for a, _ in pairs], [b for _, b in pairs]
    note = (
        f"orders {figures(mine)}, {what} {figures(theirs)}; {CLIENTS} clients, batches of 500, "
        f"3 lines an order, {mine[0].work} events a round, all accepted, {stored} in our log; "
        "one PostgreSQL, fsync on"
    )
    return [summarise(name, rates(pairs), note)]


def warm_up(machine: Machine, program: Program) -> None:
    """A few batches of other orders, so that plans and caches stand."""
    path = machine.directory / "warm-up"
    if not path.exists():
        write_requests(path, lanes(CLIENTS, "w"), 6)
    send(machine, program, str(path))


def send(machine: Machine, program: Program, path: str) -> Run:
    """Let the load generator send a file, every answer checked; what it cost."""
    app, database = program.cpu, machine.database_cpu
    seconds, count = map(float, machine.call("bench.sender", program.url, path).split())
    return Run(int(count), seconds, program.cpu - app, machine.database_cpu - database)


async def _finish(machine: Machine) -> None:
    machine.end_programs()
    await machine.drop("ours")
    await machine.drop("reference")

"""What history costs: CPU an event at 0.1, 1, 3 and 10 million events over that of a small store.

Four roads: facts in, facts that stand already, log to broker, log to rows. The large store begins as
a copy of the small one, so the first point says how alike two equal stores are. Event ids are
random: each meets another page of the identity's index, and the first touch of a page after a
checkpoint writes the whole page. Rounds that are not measured come first, so that what is measured
is the lasting cost.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from bench.filling import fill
from bench.grown import KINDS, consume, open_store
from bench.history import DiskTooSmall, copy_history, stand_at_end
from bench.ingest import CLIENTS
from bench.load import Lane, lanes, write_requests
from bench.machine import Machine, broker
from bench.pairs import Line, Run, console, figures, summarise
from bench.prepared import TEMPLATE
from bench.scale import Scale
from services.alerts.app import service as alerts
from services.orders.app import service as orders
from shared.bus.address import KafkaAddress
from shared.bus.kafka import KafkaBus
from shared.runtime.house import topics_of

Pair = tuple[dict[str, Run], dict[str, Run]]
"""The runs of one round on the large store and on the small one, by kind."""
_BATCHES = 3


async def cost_growth(machine: Machine, scale: Scale) -> list[Line]:
    """Many short rounds in turns on both, at each size of the large one."""
    count = await fill(await machine.create("small", TEMPLATE), lanes(CLIENTS, "h"), scale.small)
    await consume(machine.dsn("small"))
    await stand_at_end(machine, "small")
    await machine.execute("small", "VACUUM ANALYZE")
    await machine.create("large", "small")
    its_lanes = lanes(CLIENTS, "i")
    path = str(machine.directory / "growth")
    write_requests(path, its_lanes, 4)
    points: dict[float, list[Pair]] = {}
    with broker() as kafka:
        await KafkaBus(KafkaAddress(bootstrap=kafka)).apply_topics(topics_of([orders, alerts]))
        points[count] = await _point(machine, scale, kafka, path, its_lanes, first=True)
        copied = 0
        for copies in scale.copies:
            try:
                await copy_history(machine, "large", copied + 1, copies)
            except DiskTooSmall as small:
                console.print(f"  stopped: {small}")
                break
            copied = copies
            points[count * (copies + 1)] = await _point(machine, scale, kafka, path, its_lanes)
    for database in ("small", "large"):
        await machine.drop(database)
    return [_line(kind, points) for kind in KINDS]


async def _point(
    machine: Machine,
    scale: Scale,
    kafka: str,
    path: str,
    its_lanes: list[Lane],
    *,
    first: bool = False,
) -> list[Pair]:
    """The rounds at one size; those that only settle it are left out."""
    large, small = [await open_store(machine, name, kafka) for name in ("large", "small")]
    pairs: list[Pair] = []
    for number in range(scale.settling + scale.rounds):
        if number or not first:  # the first batches of all are not full, but everybody needs them
            write_requests(path, its_lanes, _BATCHES)
        if number % 2 == 0:
            mine, theirs = await large.round(path), await small.round(path)
        else:
            theirs, mine = await small.round(path), await large.round(path)
        if number >= scale.settling:
            pairs.append((mine, theirs))
        told = ", ".join(
            f"{kind} {mine[kind].core_us / theirs[kind].core_us:.2f}" for kind in KINDS
        )
        console.print(f"  {number + 1}/{scale.settling + scale.rounds}: {told}")
    for store in (large, small):
        await store.close()
    machine.end_programs()
    return pairs


def _line(kind: str, points: dict[float, list[Pair]]) -> Line:
    ratios = {
        events: [a[kind].core_us / b[kind].core_us for a, b in pairs]
        for events, pairs in points.items()
    }
    slope, margin = _slope([(n / 1e6, ratio) for n, some in ratios.items() for ratio in some])
    largest = max(points)
    mine, theirs = zip(*((a[kind], b[kind]) for a, b in points[largest]), strict=True)
    note = (
        f"CPU an event, application and PostgreSQL, with {largest:,.0f} events in the store: "
        f"{figures(mine)}, against {figures(theirs)} with {min(points):,.0f} and a few, side by side; "
        f"slope {slope:+.2f} % a million, 95 % within {margin:.2f}; random ids; fsync on"
    )
    cells = [
        f"{_micros([a[kind] for a, _ in pairs])} us ({statistics.median(ratios[n]):.2f})"
        for n, pairs in points.items()
    ]
    cells += ["–"] * (4 - len(cells))
    line = summarise(f"growth_{kind}", ratios[largest], note)
    line.points = (*cells, f"{slope:+.2f} [{slope - margin:+.2f}, {slope + margin:+.2f}]")
    return line


def _micros(runs: Sequence[Run]) -> str:
    return f"{statistics.median(run.core_us for run in runs):.0f}"


def _slope(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The slope of a straight line in per cent, and how far it may be off either way (95 %)."""
    xs, ys = zip(*points, strict=True)
    slope, intercept = statistics.linear_regression(xs, ys)
    freedom = len(points) - 2
    rest = sum((y - intercept - slope * x) ** 2 for x, y in points) / freedom
    spread = sum((x - statistics.mean(xs)) ** 2 for x in xs)
    student = 1.96 + 2.5 / freedom
    return 100 * slope, 100 * student * (rest / spread) ** 0.5

"""POST to committed scorecard at a tenth of the rate that the stream reached: how long one fact takes.

One sample an order: from the instant at which its last event was due to be sent to the commit of
the row that it changed, as the database keeps it.
"""

from __future__ import annotations

import statistics
from pathlib import Path

import asyncpg
import msgspec

from bench.hand_events import decode
from bench.ingest import CLIENTS
from bench.load import Lane, lanes, request, write_requests
from bench.machine import Machine, broker
from bench.pairs import Line, console, summarise
from bench.pipeline import Expected, Pipeline, by_hand, ours
from bench.raw_app import Received
from bench.scale import Scale

A_POST = 10
"""Events a request."""

Percentiles = tuple[float, float]
"""The median and the 99th of a hundred, in milliseconds."""


async def latency_vs_hand(machine: Machine, scale: Scale) -> list[Line]:
    """Over the real broker; below the goal is good."""
    with broker() as kafka:
        return await _latency(machine, scale, kafka)


async def _latency(machine: Machine, scale: Scale, kafka: str) -> list[Line]:
    sides = [await ours(machine, kafka), await by_hand(machine, kafka)]
    expected = Expected()
    rate = await _rate(machine, scale, sides, expected) / 10
    patient = lanes(1, "p")[0]
    path = str(machine.directory / "paced")
    found: list[tuple[Percentiles, Percentiles]] = []
    write_posts(path, patient, 8, expected)  # the first batches are not full: not measured
    for side in sides:
        await paced(machine, side, path, A_POST / rate, expected)
    for number in range(scale.rounds):
        write_posts(path, patient, max(2, round(rate * scale.paced_seconds / 500)), expected)
        turns = {
            side.sums: percentiles(await paced(machine, side, path, A_POST / rate, expected))
            for side in (sides if number % 2 == 0 else sides[::-1])
        }
        mine, theirs = (turns[side.sums] for side in sides)
        found.append((mine, theirs))
        console.print(
            f"  latency {number + 1}/{scale.rounds}: p50 {mine[0]:.1f} against {theirs[0]:.1f} ms, "
            f"p99 {mine[1]:.1f} against {theirs[1]:.1f} ms"
        )
    machine.end_programs()
    for database in ("ours", "reference"):
        await machine.drop(database)
    return [_line(found, rank, name, rate) for rank, name in enumerate(("p50", "p99"))]


async def _rate(machine: Machine, scale: Scale, sides: list[Pipeline], expected: Expected) -> float:
    """What ours reaches from the door to the scorecard; both sides are warm afterwards."""
    its_lanes, path = lanes(CLIENTS, "s"), str(machine.directory / "burst")
    rates = []
    for batches in (6, scale.streamed, scale.streamed):
        write_requests(path, its_lanes, batches)
        expected.add_requests(path)
        runs = [await side.run(path, expected.total) for side in sides]
        rates.append(runs[0].rate)
    return statistics.mean(rates[1:])


def write_posts(path: str, lane: Lane, batches: int, expected: Expected) -> None:
    """The next so many batches of a lane in posts of ten."""
    requests = []
    for _ in range(batches):
        events = lane.batch()
        expected.add(events)
        for first in range(0, len(events), A_POST):
            some = events[first : first + A_POST]
            requests.append((len(some), request(some)))
    Path(path).write_bytes(msgspec.msgpack.encode([requests]))


async def paced(
    machine: Machine, side: Pipeline, path: str, interval: float, expected: Expected
) -> list[float]:
    """Send the posts, each at its instant; how long each order took, in ms, in the order of instants."""
    began = float(machine.call("bench.pacer", path, str(interval), side.programs[0].url))
    due = {order: began + number * interval for order, number in last_posts(path).items()}
    connection = await asyncpg.connect(side.dsn)
    try:
        await side.until(connection, expected.total)
        rows = await connection.fetch(
            f"""SELECT order_id, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8
                FROM {side.lines} WHERE line_id = '1' AND order_id = ANY($1::text[])""",
            list(due),
        )
    finally:
        await connection.close()
    assert len(rows) == len(due)
    return [(at - due[order]) * 1000 for order, at in sorted(rows, key=lambda row: due[row[0]])]


def percentiles(took: list[float]) -> Percentiles:
    """The median and the 99th of a hundred."""
    cuts = statistics.quantiles(took, n=100)
    return cuts[49], cuts[98]


def last_posts(path: str) -> dict[str, int]:
    """The number of the request with the last event of each order that is done in this file."""
    found = {}
    lane = msgspec.msgpack.decode(Path(path).read_bytes())[0]
    for number, (_, sent) in enumerate(lane):
        for raw in msgspec.json.decode(sent.partition(b"\r\n\r\n")[2], type=list[msgspec.Raw]):
            event = decode(raw)
            if isinstance(event, Received):
                found[event.data.order_id] = number
    return found


def _line(found: list[tuple[Percentiles, Percentiles]], rank: int, name: str, rate: float) -> Line:
    mine, theirs = ([side[rank] for side in sides] for sides in zip(*found, strict=True))
    note = (
        f"{name} from POST to committed scorecard over Kafka at {rate:,.0f} events/s in posts of "
        f"{A_POST}: {statistics.median(mine):.1f} ms against {statistics.median(theirs):.1f} ms "
        "by hand; from the instant a post was due to the commit instant of the row; fsync on"
    )
    ratios = [a / b for a, b in zip(mine, theirs, strict=True)]
    return summarise(f"latency_{name}_vs_hand", ratios, note)

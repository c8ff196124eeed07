"""How long one fact takes while the pipeline is at 70 % of what it can, over the same at 10 %.

The rate is that of the same posts of ten, sent by as many clients as the pacer has connections. A
backlog that grows would show: the last third of a round is compared with its first.
"""

from __future__ import annotations

import statistics
from pathlib import Path

import msgspec

from bench.latency import A_POST, paced, percentiles, write_posts
from bench.load import Lane, lanes, request
from bench.machine import Machine, broker
from bench.pacer import CONNECTIONS
from bench.pairs import Line, console, summarise
from bench.pipeline import Expected, Pipeline, ours
from bench.scale import Scale

_LOW, _HIGH = 0.1, 0.7


async def latency_loaded(machine: Machine, scale: Scale) -> list[Line]:
    """Ours alone, over the real broker, at both loads in turns."""
    with broker() as kafka:
        side = await ours(machine, kafka)
        expected = Expected()
        rate = await _rate(machine, side, expected)
        patient = lanes(1, "l")[0]
        path = str(machine.directory / "loaded")
        write_posts(path, patient, 8, expected)  # the first batches are not full: not measured
        await paced(machine, side, path, A_POST / (_HIGH * rate), expected)
        took: dict[float, list[list[float]]] = {_LOW: [], _HIGH: []}
        for number in range(scale.rounds):
            for share in (_LOW, _HIGH) if number % 2 == 0 else (_HIGH, _LOW):
                batches = max(2, round(share * rate * scale.paced_seconds / 500))
                write_posts(path, patient, batches, expected)
                interval = A_POST / (share * rate)
                took[share].append(await paced(machine, side, path, interval, expected))
            low, high = (percentiles(took[share][-1])[1] for share in (_LOW, _HIGH))
            console.print(f"  loaded {number + 1}/{scale.rounds}: p99 {high:.0f} over {low:.0f} ms")
        machine.end_programs()
    await machine.drop("ours")
    return [_line(took[_LOW], took[_HIGH], rate)]


async def _rate(machine: Machine, side: Pipeline, expected: Expected) -> float:
    """Events a second from the door to the scorecard, in posts of ten as fast as they are answered."""
    its_lanes = lanes(CONNECTIONS, "b")
    path = str(machine.directory / "burst")
    rates = []
    for batches in (5, 2, 2):
        _write_burst(path, its_lanes, batches, expected)
        rates.append((await side.run(path, expected.total)).rate)
    return statistics.mean(rates[1:])


def _write_burst(path: str, its_lanes: list[Lane], batches: int, expected: Expected) -> None:
    found = []
    for lane in its_lanes:
        events = [event for _ in range(batches) for event in lane.batch()]
        expected.add(events)
        posts = [events[first : first + A_POST] for first in range(0, len(events), A_POST)]
        found.append([(len(post), request(post)) for post in posts])
    Path(path).write_bytes(msgspec.msgpack.encode(found))


def _line(low: list[list[float]], high: list[list[float]], rate: float) -> Line:
    calm, busy = ([percentiles(took) for took in some] for some in (low, high))
    growth = [_median(took[-len(took) // 3 :]) / _median(took[: len(took) // 3]) for took in high]
    note = (
        f"posts of {A_POST} over Kafka; {rate:,.0f} events/s at most; at 70 % p50 "
        f"{_median([p50 for p50, _ in busy]):.0f} and p99 {_median([p99 for _, p99 in busy]):.0f} ms, "
        f"at 10 % {_median([p50 for p50, _ in calm]):.0f} and "
        f"{_median([p99 for _, p99 in calm]):.0f} ms; the last third of a round at 70 % took "
        f"{_median(growth):.2f} times the first; fsync on"
    )
    return summarise("latency_loaded", [b[1] / a[1] for a, b in zip(calm, busy, strict=True)], note)


def _median(values: list[float]) -> float:
    return statistics.median(values)

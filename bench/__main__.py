"""`python -m bench [NAME...] [--quick]`: one JSON line per result on stdout, progress on stderr."""

from __future__ import annotations

import argparse
import gc
import time

import uvloop

from bench.append import append_vs_eventsourcing
from bench.fire import fire_vs_hand
from bench.fold import fold_vs_hand
from bench.growth import cost_growth
from bench.ingest import ingest_vs_fastapi_core, ingest_vs_raw
from bench.latency import latency_vs_hand
from bench.machine import machine
from bench.pairs import console
from bench.prepared import prepare
from bench.quix import stream_vs_quix
from bench.scale import FULL, QUICK, Scale
from bench.scorecards import scorecards
from bench.settle import settle_vs_sql
from bench.stream import stream_vs_hand, stream_vs_hand_log
from shared.testing.broker import BrokerMissing

ALL = {
    measure.__name__: measure
    for measure in (
        ingest_vs_raw,
        ingest_vs_fastapi_core,
        append_vs_eventsourcing,
        fold_vs_hand,
        cost_growth,
        fire_vs_hand,
        scorecards,
        settle_vs_sql,
        stream_vs_hand,
        stream_vs_hand_log,
        latency_vs_hand,
        stream_vs_quix,
    )
}


async def measure_all(names: list[str], scale: Scale) -> None:
    """Run the chosen ones, each with its own databases on one PostgreSQL."""
    with machine() as its_machine:
        console.print("preparing a database with the reference data")
        await prepare(its_machine)
        for name in names:
            begin = time.monotonic()
            console.print(f"[bold]{name}[/bold]")
            try:
                for line in await ALL[name](its_machine, scale):
                    line.print()
            except BrokerMissing as missing:
                console.print(f"  not measured: {missing}")
            console.print(f"  took {time.monotonic() - begin:.0f} s")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of: {', '.join(ALL)}; its beginning is enough"
    )
    parser.add_argument("--quick", action="store_true", help="small, to see that it runs")
    given = parser.parse_args()
    names = [name for name in ALL if not given.names or name.startswith(tuple(given.names))]
    if unknown := [one for one in given.names if not any(name.startswith(one) for name in ALL)]:
        parser.error(f"unknown: {', '.join(unknown)}")
    # As every program here runs: see jicai/server.py.
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
    uvloop.run(measure_all(names, QUICK if given.quick else FULL))


if __name__ == "__main__":
    main()

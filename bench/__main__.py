"""`python -m bench [NAME...] [--quick]`: one JSON line per result on stdout, progress on stderr."""

from __future__ import annotations

import argparse
import gc
import time

import uvloop

from bench.append import append_vs_eventsourcing
from bench.fold import fold_vs_hand
from bench.growth import cost_growth
from bench.ingest import ingest_vs_fastapi_core, ingest_vs_raw
from bench.machine import machine
from bench.pairs import console
from bench.prepared import prepare
from bench.scale import FULL, QUICK, Scale
from bench.scorecards import scorecards

ALL = {
    measure.__name__: measure
    for measure in (
        ingest_vs_raw,
        ingest_vs_fastapi_core,
        append_vs_eventsourcing,
        fold_vs_hand,
        cost_growth,
        scorecards,
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
            for line in await ALL[name](its_machine, scale):
                line.print()
            console.print(f"  took {time.monotonic() - begin:.0f} s")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(ALL)}")
    parser.add_argument("--quick", action="store_true", help="small, to see that it runs")
    given = parser.parse_args()
    if unknown := set(given.names) - set(ALL):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    # As every program here runs: see jicai/server.py.
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
    uvloop.run(measure_all(given.names or list(ALL), QUICK if given.quick else FULL))


if __name__ == "__main__":
    main()

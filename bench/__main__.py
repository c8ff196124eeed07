"""`python -m bench [NAME...] [--quick | --record]`: one JSON line per result on stdout."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import uvloop

from bench.append import append_vs_eventsourcing
from bench.crash import restart
from bench.delay import fire_delay
from bench.fire import fire_vs_hand
from bench.flood import memory_api
from bench.fold import fold_vs_hand
from bench.growth import cost_growth
from bench.ingest import ingest_vs_fastapi_core, ingest_vs_raw
from bench.keeping import memory_consumer
from bench.latency import latency_vs_hand
from bench.latency_loaded import latency_loaded
from bench.machine import machine
from bench.message_db import append_vs_message_db
from bench.pairs import console
from bench.posting import post_vs_transfers
from bench.prepared import prepare
from bench.quix import stream_vs_faust, stream_vs_quix
from bench.rebuild import rebuild_vs_sql
from bench.results import RESULTS, head, recorded
from bench.scale import FULL, QUICK, Scale
from bench.scorecards import scorecards
from bench.settle import settle_vs_sql
from bench.single import single_vs_each
from bench.stream import stream_vs_hand, stream_vs_hand_log
from bench.weather import load_average, now
from bench.window import window_vs_dict
from jicai.server import collect_young
from shared.testing.broker import BrokerMissing
from shared.testing.broker_jars import broker_jars

ALL = {
    measure.__name__: measure
    for measure in (
        ingest_vs_raw,
        ingest_vs_fastapi_core,
        single_vs_each,
        append_vs_eventsourcing,
        append_vs_message_db,
        fold_vs_hand,
        rebuild_vs_sql,
        cost_growth,
        fire_vs_hand,
        fire_delay,
        scorecards,
        settle_vs_sql,
        post_vs_transfers,
        stream_vs_hand,
        stream_vs_hand_log,
        latency_vs_hand,
        latency_loaded,
        stream_vs_quix,
        stream_vs_faust,
        window_vs_dict,
        memory_consumer,
        memory_api,
        restart,
    )
}


async def measure_all(names: list[str], scale: Scale, *, record: bool) -> None:
    """Run the chosen ones, each with its own databases on one PostgreSQL."""
    results, begun = recorded(), (now(), load_average())
    with machine() as its_machine:
        console.print("preparing a database with the reference data")
        await prepare(its_machine)
        for name in names:
            begin, before = time.monotonic(), load_average()
            console.print(f"[bold]{name}[/bold]")
            try:
                lines = await ALL[name](its_machine, scale)
            except BrokerMissing as missing:
                console.print(f"  not measured: {missing}")
                continue
            for line in lines:
                line.print()
                results.record(line, (before, load_average()), now())
            console.print(f"  took {time.monotonic() - begin:.0f} s")
            if record:
                RESULTS.write_text(results.text(), "utf-8")
        if record and (len(names) == len(ALL) or not results.head):
            postgres = await its_machine.fetch("postgres", "SHOW server_version")
            results.head = head(its_machine.directory, postgres, _broker(), begun)
            RESULTS.write_text(results.text(), "utf-8")


def _broker() -> str:
    try:
        return f"{broker_jars().name}, one process, beside the programs"
    except BrokerMissing:
        return "none"


def _chosen(given: list[str]) -> list[str]:
    """The measurements that these names mean: itself, or else all that begin so."""
    found = {
        name
        for one in given
        for name in ALL
        if name == one or (one not in ALL and name.startswith(one))
    }
    return [name for name in ALL if not given or name in found]


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of: {', '.join(ALL)}; its beginning is enough"
    )
    parser.add_argument("--quick", action="store_true", help="small, to see that it runs")
    parser.add_argument("--record", action="store_true", help="write bench/RESULTS.md")
    parser.add_argument("--rounds", type=int, default=FULL.rounds, help="of each pair")
    given = parser.parse_args()
    if unknown := [one for one in given.names if not _chosen([one])]:
        parser.error(f"unknown: {', '.join(unknown)}")
    if given.quick and given.record:
        parser.error("what is small is not recorded")
    collect_young()  # as every program here runs
    scale = QUICK if given.quick else replace(FULL, rounds=given.rounds)
    uvloop.run(measure_all(_chosen(given.names), scale, record=given.record))


if __name__ == "__main__":
    main()

"""POST to committed scorecard: our two programs against two written by hand, over both buses."""

from __future__ import annotations

from bench.ingest import CLIENTS
from bench.load import lanes, write_requests
from bench.machine import Machine, broker
from bench.pairs import Line, Run, figures, interleave, rates, summarise
from bench.pipeline import Expected, Pipeline, by_hand, by_hand_behind_our_door, ours
from bench.scale import Scale


async def stream_vs_hand(machine: Machine, scale: Scale) -> list[Line]:
    """Over the real broker: against everything by hand, then with our own door on both sides."""
    lines = []
    for name, reference, what in (
        ("stream_vs_hand", by_hand, "door, relay and consumer by hand"),
        (
            "stream_same_door_vs_hand",
            by_hand_behind_our_door,
            "our orders, with relay and consumer by hand",
        ),
    ):
        with broker() as kafka:
            sides = [await ours(machine, kafka), await reference(machine, kafka)]
            lines.append(await _against(machine, scale, name, sides, "over Kafka", what))
    return lines


async def stream_vs_hand_log(machine: Machine, scale: Scale) -> list[Line]:
    """Over the log bus."""
    sides = [await ours(machine, ""), await by_hand(machine, "")]
    what = "door and consumer by hand"
    return [await _against(machine, scale, "stream_vs_hand_log", sides, "over the log", what)]


async def _against(
    machine: Machine, scale: Scale, name: str, sides: list[Pipeline], how: str, what: str
) -> Line:
    its_lanes, expected = lanes(CLIENTS, "s"), Expected()
    path = str(machine.directory / "stream")

    async def next_requests(batches: int = scale.streamed) -> None:
        write_requests(path, its_lanes, batches)
        expected.add_requests(path)
        await machine.execute("postgres", "CHECKPOINT")

    async def round_of(side: Pipeline) -> Run:
        return await side.run(path, expected.total)

    # The first batches of a lane are not full; plans and caches stand afterwards.
    await next_requests(6)
    for side in sides:
        await round_of(side)
    pairs = await interleave(
        name,
        scale.rounds,
        lambda _: round_of(sides[0]),
        lambda _: round_of(sides[1]),
        before=next_requests,
    )
    machine.end_programs()
    for database in ("ours", "reference"):
        await machine.drop(database)
    mine, theirs = [a for a, _ in pairs], [b for _, b in pairs]
    note = (
        f"{how}, POST to committed scorecard: orders and alerts, 2 processes, {figures(mine)}; "
        f"{what}, 2 processes, {figures(theirs)}; {CLIENTS} clients, "
        f"batches of 500, 3 lines an order, {mine[0].work} events a round; "
        f"{len(expected.total)} sums a distributor and day equal in every round; fsync on"
    )
    return summarise(name, rates(pairs), note)

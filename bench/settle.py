"""A province's month settled by the service against SQL by hand, and settled once more.

Both claim the same lines under the same unique key, write a statement for each hospital and payee, and
post the same entries. By hand (`hand_settle`) nobody confirms, and nothing is told to anybody. Before
anything is measured both settle a small month and every row must be equal; afterwards, in every round,
what they settled is added up on both sides.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from bench.hand_settle import approve_by_hand, connect, draft_by_hand
from bench.machine import Machine, cpu_of_self
from bench.pairs import Line, Run, console, figures, interleave, summarise
from bench.scale import Scale
from bench.settle_equal import added_up, every_row
from bench.settle_ours import approve, confirm, draft, settling_room
from bench.settling_town import AT, BEGINS, ENDS, MONTH, TOWN, copy_town, settling_town

_ROUNDS: Final = 3
"""A round takes minutes."""
_COMPARED: Final = 20_000
"""Lines of the month of which every row is compared."""


@dataclass(frozen=True, slots=True)
class Settled:
    """One side's month: how long each phase took, how long all of it once more, and what came out."""

    phases: dict[str, Run]
    again: dict[str, Run]
    result: Any

    def run(self, *names: str) -> Run:
        """Some phases as one stretch."""
        some = [self.phases[name] for name in names]
        return Run(
            some[0].work,
            sum(run.seconds for run in some),
            sum(run.app_cpu for run in some),
            sum(run.database_cpu for run in some),
        )


Look = Callable[[Any], Awaitable[Any]]
Phase = Callable[[], Awaitable[None]]


async def settle_vs_sql(machine: Machine, scale: Scale) -> list[Line]:
    """Draft and approval over those by hand; with the confirmations; and the second run."""
    await _compare(machine)
    begin = time.monotonic()
    await settling_town(machine, scale.settled)
    console.print(f"  {scale.settled:,} lines, made in {time.monotonic() - begin:.0f} s")
    both: dict[str, list[Settled]] = {"ours": [], "by hand": []}

    async def ours(_: int) -> Run:
        both["ours"].append(await _ours(machine, scale.settled, added_up))
        return both["ours"][-1].run("draft", "approve")

    async def by_hand(_: int) -> Run:
        both["by hand"].append(await _by_hand(machine, scale.settled, added_up))
        return both["by hand"][-1].run("draft", "approve")

    async def compare() -> None:
        mine, theirs = (runs[-1].result for runs in both.values())
        assert mine == theirs, f"{mine} against {theirs}"

    pairs = await interleave(
        "settle_vs_sql", min(scale.rounds, _ROUNDS), ours, by_hand, after=compare
    )
    await machine.drop(TOWN)
    return _lines(scale, pairs, both["ours"], both["by hand"])


async def _compare(machine: Machine) -> None:
    """Both sides settle a small month: every row is equal, and there is something of each kind."""
    await settling_town(machine, _COMPARED)
    mine = (await _ours(machine, _COMPARED, every_row)).result
    theirs = (await _by_hand(machine, _COMPARED, every_row)).result
    for name, rows in theirs.items():
        differing = set(mine[name]) ^ set(rows)
        assert not differing, f"{name}: {len(differing)} rows differ"
        assert len(mine[name]) == len(rows) > 0, f"{name}: {len(mine[name])} rows, {len(rows)}"


def _lines(
    scale: Scale, pairs: list[tuple[Run, Run]], ours: list[Settled], by_hand: list[Settled]
) -> list[Line]:
    mine, theirs = [a for a, _ in pairs], [b for _, b in pairs]
    result = ours[0].result
    note = (
        f"draft in steps, then approval, 1,000 statements a call {figures(mine, 'lines')}; SQL by hand, "
        f"the whole month at once {figures(theirs, 'lines')}; {scale.settled:,} receipt lines, "
        f"{result['statements']:,} statements, {result['entries']:,} entries, sums equal in every "
        f"round; ours {_phases(ours)}; by hand {_phases(by_hand)}; fsync on; time over time"
    )
    whole = [one.run(*one.phases).seconds for one in ours]
    again = [sum(run.seconds for run in one.again.values()) for one in ours]
    posted = [one.again["draft"].seconds + one.again["approve"].seconds for one in ours]
    return [
        summarise("settle_vs_sql", [b.rate / a.rate for a, b in pairs], note),
        summarise(
            "settle_confirmed_vs_sql",
            [w / t.seconds for w, t in zip(whole, theirs, strict=True)],
            "the same with both confirmations, which nobody gives by hand: by each hospital and "
            f"each payee for all of its own; {statistics.median(whole):.1f} s",
        ),
        summarise(
            "settle_again",
            [p / m.seconds for p, m in zip(posted, mine, strict=True)],
            f"draft and approval once more over the first time: {statistics.median(posted):.2f} s; "
            f"with the confirmations {statistics.median(again):.2f} s of "
            f"{statistics.median(whole):.1f} s",
        ),
    ]


def _phases(runs: list[Settled]) -> str:
    """The seconds of each phase, as medians."""
    return ", ".join(
        f"{name} {statistics.median(one.phases[name].seconds for one in runs):.1f} s"
        for name in runs[0].phases
    )


async def _ours(machine: Machine, lines: int, look: Look) -> Settled:
    dsn = await copy_town(machine, "ours")
    async with settling_room(dsn) as room:
        phases: dict[str, Phase] = {
            "draft": lambda: draft(room),
            "hospitals confirm": lambda: confirm(room, "hospital", "hospital_id"),
            "payees confirm": lambda: confirm(room, "distributor", "payee_id"),
            "approve": lambda: approve(room),
        }
        first = await _timed(machine, lines, phases)
        result = await look(room.pool)
        again = await _timed(machine, lines, phases)
        assert await look(room.pool) == result, "the second run changed something"
    await machine.drop("ours")
    return Settled(first, again, result)


async def _by_hand(machine: Machine, lines: int, look: Look) -> Settled:
    connection = await connect(await copy_town(machine, "by_hand"))
    phases: dict[str, Phase] = {
        "draft": lambda: draft_by_hand(connection, MONTH, BEGINS, ENDS, AT),
        "approve": lambda: approve_by_hand(connection, MONTH, AT + timedelta(hours=1)),
    }
    first = await _timed(machine, lines, phases)
    result = await look(connection)
    await connection.close()
    await machine.drop("by_hand")
    return Settled(first, {}, result)


async def _timed(machine: Machine, lines: int, phases: dict[str, Phase]) -> dict[str, Run]:
    """Each phase, one after the other."""
    runs = {}
    for name, phase in phases.items():
        app, database = cpu_of_self(), machine.database_cpu
        begin = time.perf_counter()
        await phase()
        seconds = time.perf_counter() - begin
        runs[name] = Run(lines, seconds, cpu_of_self() - app, machine.database_cpu - database)
    return runs

"""Interleaved pairs: ours and a reference in turns, and the median of the ratios of each pair.

A machine that others use speeds up and slows down within minutes. Two runs that stand side by side
see the same weather, so their ratio says more than either figure; the absolute ones go into a note.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec
from rich.console import Console

console = Console(stderr=True, highlight=False)


@dataclass(frozen=True, slots=True)
class Run:
    """One measured stretch: so much work in so many seconds, and the CPU seconds it took."""

    work: int
    seconds: float
    app_cpu: float = 0.0
    database_cpu: float = 0.0

    @property
    def rate(self) -> float:
        """Work per second."""
        return self.work / self.seconds

    @property
    def core_us(self) -> float:
        """Microseconds of CPU per piece of work, ours and the database's together."""
        return (self.app_cpu + self.database_cpu) / self.work * 1e6


class Line(msgspec.Struct, omit_defaults=True):
    """One result, as it is printed. `points` are the cells of a result that is a curve."""

    name: str
    ratio: float
    low: float
    high: float
    note: str
    points: tuple[str, ...] = ()

    def print(self) -> None:
        """One JSON line on stdout."""
        print(msgspec.json.encode(self).decode(), flush=True)


Side = Callable[[int], Awaitable[Run]]
"""Runs one side in one round."""


Step = Callable[[], Awaitable[None]]


async def _nothing() -> None:
    """No step."""


async def interleave(
    name: str,
    rounds: int,
    ours: Side,
    reference: Side,
    *,
    before: Step = _nothing,
    after: Step = _nothing,
) -> list[tuple[Run, Run]]:
    """Run both sides in every round, each first in turn; `before` and `after` are not measured."""
    pairs = []
    for number in range(rounds):
        await before()
        if number % 2 == 0:
            mine, theirs = await ours(number), await reference(number)
        else:
            theirs, mine = await reference(number), await ours(number)
        await after()
        pairs.append((mine, theirs))
        console.print(
            f"  {name} {number + 1}/{rounds}: {mine.rate:,.0f}/s against {theirs.rate:,.0f}/s, "
            f"{mine.core_us:.0f} against {theirs.core_us:.0f} core-us"
        )
    return pairs


def summarise(name: str, ratios: Sequence[float], note: str) -> Line:
    """The median ratio with its range."""
    load = "/".join(f"{x:.1f}" for x in os.getloadavg())
    return Line(
        name,
        round(statistics.median(ratios), 3),
        round(min(ratios), 3),
        round(max(ratios), 3),
        f"{note}; {len(ratios)} measured; load average {load}",
    )


def rates(pairs: Sequence[tuple[Run, Run]]) -> list[float]:
    """Ours over the reference: above 1 is faster."""
    return [mine.rate / theirs.rate for mine, theirs in pairs]


def figures(runs: Sequence[Run], unit: str = "events") -> str:
    """The absolute figures of one side, as medians."""
    rate = statistics.median(run.rate for run in runs)
    text = f"{rate:,.0f} {unit}/s"
    if any(run.core_us for run in runs):
        app = statistics.median(run.app_cpu / run.work for run in runs) * 1e6
        database = statistics.median(run.database_cpu / run.work for run in runs) * 1e6
        text += f" ({app:.0f} us app + {database:.0f} us database CPU each)"
    return text

"""`python -m tests.simulation --seeds 10000`: many seeds, one line of verdict, a short story of each failure.

A seed is the same for ever; `--first` begins at another, `--times 4` makes its story four times as
long, `--jobs` shares the seeds among processes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from multiprocessing import Pool
from time import monotonic
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.simulation.drawing import drawn
from tests.simulation.shrinking import shrunk
from tests.simulation.simulation import Failure, tried
from tests.simulation.steps import Story
from tests.simulation.telling import words_of

_CHUNK: Final = 25
_TOLD_MAX: Final = 3
"""So many failures are shrunk and told; of further ones the seeds are named."""


def main() -> int:
    """Run the seeds; 1 where one of them fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000, help="how many (10000)")
    parser.add_argument("--first", type=int, default=0, help="the first one (0)")
    parser.add_argument("--jobs", type=int, default=1, help="in so many processes (1)")
    parser.add_argument("--times", type=int, default=1, help="so many times as long a story (1)")
    asked = parser.parse_args()
    console = Console()
    began = monotonic()
    seeds = range(asked.first, asked.first + asked.seeds)
    steps, failed = 0, []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        task = progress.add_task("simulation", total=len(seeds))
        for seed, count, failure in _tried(seeds, asked.times, asked.jobs):
            steps += count
            if failure is not None:
                failed.append((seed, failure))
                progress.update(task, description=f"simulation, {len(failed)} failed")
            progress.advance(task)
    for seed, failure in failed[:_TOLD_MAX]:
        _tell(console, drawn(seed, asked.times), seed, failure)
    words = "holds" if not failed else f"FAILS for {', '.join(str(seed) for seed, _ in failed)}"
    took = monotonic() - began
    console.print(
        f"simulation {words}: {len(seeds)} seeds from {asked.first}, {steps} steps, {took:.0f} s",
        soft_wrap=True,
        highlight=False,
    )
    return 1 if failed else 0


def _tried(
    seeds: Iterable[int], times: int, jobs: int
) -> Iterator[tuple[int, int, Failure | None]]:
    one = partial(_one, times=times)
    if jobs == 1:
        yield from map(one, seeds)
        return
    with Pool(jobs) as pool:
        yield from pool.imap_unordered(one, seeds, _CHUNK)


def _one(seed: int, times: int) -> tuple[int, int, Failure | None]:
    story = drawn(seed, times)
    found = tried(story)
    return seed, len(story[1]), found if isinstance(found, Failure) else None


def _tell(console: Console, whole: Story, seed: int, failure: Failure) -> None:
    story, short = shrunk(whole, failure)
    console.rule(f"seed {seed}")
    for line in words_of(story):
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    console.print(f"{short.kind}: {short.words}", soft_wrap=True, highlight=False, markup=False)


if __name__ == "__main__":
    sys.exit(main())

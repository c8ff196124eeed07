"""How much is measured: enough to tell, or just enough to see that it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """The sizes of a run."""

    rounds: int = 5
    batches: int = 9
    """Batches of 500 a lane sends in one round."""
    appended: int = 20
    """Batches of 500 that one round of appends takes."""
    folded: int = 24
    """Batches of 500 that the fold's log holds per lane."""
    streamed: int = 16
    """Batches of 500 a lane sends in one round from the door to the scorecard."""
    paced_seconds: float = 10.0
    """How long one round of latencies lasts."""
    keyed: int = 151
    """Batches of 500 per lane on the topics for `stream_vs_quix`: 60,400 orders."""
    small: int = 50
    """Batches of 500 per lane in the small store of `cost_growth`."""
    settling: int = 5
    """Rounds of `cost_growth` before the clock starts: see there."""
    copies: tuple[int, ...] = (9, 29, 99)
    """How many copies of the small store the large one holds more, point by point."""
    kept: int = 10
    """How many copies of the small store's log `memory_consumer` takes."""
    ballast: int = 800_000
    """Rows of half a kilobyte written before each kill of `restart`."""
    lines: int = 1_000_000
    pending: int = 1_000_000
    """Tickets with a deadline; one in a hundred is due at each 24:00 of `fire_vs_hand`."""
    settled: int = 5_000_000
    """Receipt lines of a province's month."""
    posted: int = 20_000
    """Entries of one round of `post_vs_transfers`; a fifth as many transfers by hand."""


FULL = Scale()
QUICK = Scale(
    rounds=2,
    batches=2,
    appended=4,
    folded=4,
    streamed=2,
    paced_seconds=3.0,
    keyed=6,
    small=4,
    settling=1,
    copies=(1, 2),
    kept=3,
    ballast=20_000,
    lines=20_000,
    pending=50_000,
    settled=100_000,
    posted=2_000,
)

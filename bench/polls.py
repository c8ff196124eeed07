"""What an idle look of the clockwork costs behind a million that have fired.

Each leaves a dead entry in the index of deadlines, and nothing is cleaned up by hand. Beside it
stands a small house where nothing has ever fired; both are asked in turns, for a look takes less
than the weather of a shared machine does to it.
"""

from __future__ import annotations

import statistics
import time

from bench.machine import Machine
from bench.pairs import Line, console, summarise
from bench.pending import PendingHouse, pending_house
from bench.scale import Scale
from shared.runtime.clockwork import CHUNK, fire_due
from shared.runtime.marks import append_marks

_POLLS = 100
_ROUNDS = 9
_AT_ONCE = 10 * CHUNK

_FIRE = """
UPDATE streams SET version = version + 1, next_due = $2, last_due = $2
WHERE stream IN (SELECT stream FROM streams WHERE next_due <= $1
                 ORDER BY next_due, stream LIMIT $3)"""


async def empty_poll_growth(machine: Machine, scale: Scale, house: PendingHouse) -> Line:
    """The median look behind them over the median look where nothing has fired."""
    fired = await _fire_all(house)
    fresh = await pending_house(machine, "fresh", scale.pending // 20)
    ratios, after, before = [], [], []
    for _ in range(_ROUNDS):
        looks = [(await _look(house), await _look(fresh)) for _ in range(_POLLS)]
        behind, beside = (statistics.median(one) for one in zip(*looks, strict=True))
        after.append(behind)
        before.append(beside)
        ratios.append(behind / beside)
    whole = [await _look(house, since_mark=False) for _ in range(_POLLS)]
    await fresh.pool.close()
    await machine.drop("fresh")
    note = (
        f"fire_due with nothing due, as each second: {_micros(after)} us after {fired:,} have fired, "
        f"{_AT_ONCE} an update, against {_micros(before)} us in a house where nothing has; medians "
        f"of {_POLLS}; from the beginning, as each minute, {_micros(whole)} us; nobody vacuumed "
        f"by hand"
    )
    return summarise("empty_poll_growth", ratios, note)


async def _fire_all(house: PendingHouse) -> int:
    """What firing does to the rows, in updates like the clockwork's; at the end stands a mark."""
    latest = await house.pool.fetchval("SELECT max(next_due) FROM streams")
    later = latest + (latest - house.clock.now)
    begin, fired = time.monotonic(), 0
    while count := int((await house.pool.execute(_FIRE, latest, later, _AT_ONCE)).split()[1]):
        fired += count
    console.print(f"  {fired:,} fired in {time.monotonic() - begin:.0f} s")
    await house.pool.execute("UPDATE log_head SET next_mark = $1", latest)
    house.clock.set(latest)
    assert await append_marks(house.pool, house.kit) == 1
    return fired


async def _look(house: PendingHouse, *, since_mark: bool = True) -> float:
    """The seconds that one look takes."""
    begin = time.perf_counter()
    assert await fire_due(house.pool, house.kit, since_mark=since_mark) == 0
    return time.perf_counter() - begin


def _micros(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1e6:.0f}"

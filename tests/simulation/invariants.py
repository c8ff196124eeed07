"""Everything that holds of a province in fair weather behind any story (不变量)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.simulation.deadlines import check_deadlines
from tests.simulation.doors import LAST_WAIT, Doors
from tests.simulation.folds import check_readers
from tests.simulation.journal import Journal
from tests.simulation.province import Province
from tests.simulation.steps import Announce, Post, Resend, Story, Wait
from tests.simulation.sums import check_money, check_rates
from tests.simulation.tables import Database
from tests.simulation.wiring import Wiring


def check_everything(province: Province, story: Story, wiring: Wiring) -> None:
    """All of them; what a step breaks at once is asserted where it happens."""
    province.senders.check_kept()
    check_deadlines(province)
    check_readers(province)
    check_rates(province)
    check_money(province)
    check_awake(province, story, wiring)


def check_awake(province: Province, story: Story, wiring: Wiring) -> None:
    """The same senders under a worker that never sleeps: the same verdicts, facts and marks."""
    start, steps = story
    awake = Doors(start, wiring)
    instants = iter(province.instants)
    years = Database(awake.orders)
    for number, step in enumerate(steps, 1):
        match step:
            case Announce():
                awake.announce(step)
            case Post():
                awake.senders.post(step, awake.now)
            case Resend():
                awake.senders.resend(step, awake.now)
            case Wait():
                awake.wait_awake(next(instants))
        for records in province.years.get(number, ()):
            awake.hear_years(years, records)
    awake.senders.finish(awake.now)
    awake.wait_awake(awake.now + LAST_WAIT)
    for records in province.years.get(len(steps) + 1, ()):
        awake.hear_years(years, records)
    awake.wait_awake(awake.now)
    for log, journal in province.outside.items():
        for slept, watched in zip(_cuts(journal), _cuts(awake.outside[log]), strict=True):
            assert slept == watched, (
                f"{log} depends on who is awake: only asleep {sorted(slept - watched)[:2]}, "
                f"only awake {sorted(watched - slept)[:2]}"
            )
    assert province.senders.verdicts == awake.senders.verdicts, "a verdict depends on who is awake"


def _cuts(journal: Journal) -> Iterator[set[tuple[Any, ...]]]:
    """The facts between marks, in no order: streams do not wait for one another."""
    cut: set[tuple[Any, ...]] = set()
    for record in journal.log:
        if record.mark is not None:
            yield cut | {("mark", record.mark.isoformat())}
            cut = set()
        else:
            cut.add(
                (record.stream, record.version, record.event_id, record.recorded_at, record.fact)
            )
    yield cut

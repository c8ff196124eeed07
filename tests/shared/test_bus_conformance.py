"""One suite holds every bus to the words of the port: the log bus, and the adversarial one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from shared.bus.port import Delivery
from shared.testing.adversarial import TAME, AdversarialBus, AdversarialSubscription
from shared.testing.bus_conformance import (
    TRUTHS,
    a_batch_is_cut_behind_a_mark,
    each_stream_of_a_topic_comes_in_order_and_complete,
    every_partition_gets_each_mark_in_order_between_the_right_facts,
)
from tests.shared.bus_cases import LogCase, MemoryCase

each_truth = pytest.mark.parametrize("truth", TRUTHS, ids=lambda truth: truth.__name__)


@each_truth
async def test_the_log_bus(database: str, truth: Any) -> None:
    async with LogCase.open(database) as case:
        await truth(case)


@each_truth
@pytest.mark.parametrize("seed", range(3))
async def test_the_adversarial_bus(truth: Any, seed: int) -> None:
    await truth(MemoryCase(seed))


@each_truth
async def test_the_adversarial_bus_when_it_is_tame(truth: Any) -> None:
    case = MemoryCase(0, TAME)
    case.never_repeats = True
    await truth(case)


class _Forgetful(AdversarialSubscription):
    """Skips a record now and then."""

    async def read(self, partition: str, cursor: str, limit: int) -> Delivery:
        given = await super().read(partition, cursor, limit)
        kept = [r for n, r in enumerate(given.records) if n != 3 or r.mark is not None]
        return Delivery(partition, kept, given.cursor)


class _Confused(AdversarialSubscription):
    """Turns the records of a batch round."""

    async def read(self, partition: str, cursor: str, limit: int) -> Delivery:
        given = await super().read(partition, cursor, limit)
        return Delivery(partition, given.records[::-1], given.cursor)


class _Breathless(AdversarialSubscription):
    """Reads on behind a mark."""

    async def read(self, partition: str, cursor: str, limit: int) -> Delivery:
        held = self._bus.partitions[partition]
        place = int(cursor or 0)
        records = held.records[place : place + limit]
        return Delivery(partition, records, str(place + len(records)))


@pytest.mark.parametrize(
    ("bad", "truth"),
    [
        (_Forgetful, each_stream_of_a_topic_comes_in_order_and_complete),
        (_Confused, each_stream_of_a_topic_comes_in_order_and_complete),
        (_Forgetful, every_partition_gets_each_mark_in_order_between_the_right_facts),
        (_Breathless, a_batch_is_cut_behind_a_mark),
    ],
    ids=lambda one: one.__name__,
)
async def test_the_suite_catches_a_bus_that_breaks_its_word(
    monkeypatch: pytest.MonkeyPatch, bad: Any, truth: Any
) -> None:
    """A suite that nothing can fail is not known to work."""

    def subscribe(self: AdversarialBus, group: str, topics: Sequence[str]) -> Any:
        joined = bad(self, group, topics)
        self.members.setdefault(group, []).append(joined)
        self.owners |= {(group, name): joined for name in joined.names}
        return joined

    monkeypatch.setattr(AdversarialBus, "subscribe", subscribe)
    if truth is every_partition_gets_each_mark_in_order_between_the_right_facts:
        monkeypatch.setattr(_Forgetful, "read", _loses_marks)
    with pytest.raises(AssertionError):
        await truth(MemoryCase(0, TAME))


async def _loses_marks(
    self: AdversarialSubscription, partition: str, cursor: str, limit: int
) -> Delivery:
    given = await AdversarialSubscription.read(self, partition, cursor, limit)
    kept = [record for record in given.records if record.mark is None or "09" in record.event_id]
    return Delivery(partition, kept, given.cursor)

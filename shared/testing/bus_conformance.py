"""What every bus must bear, as one suite: `for truth in TRUTHS: await truth(case)`, each on a fresh case.

Written against the port alone, so that it holds the log bus, Kafka and the adversarial bus to the
same words. A bus delivers at least once: whatever may come again is looked at in its first sighting.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from shared.testing.bus_cases import (
    GROUP,
    BusCase,
    Listener,
    Told,
    a_listener,
    assert_complete,
    first_sightings,
    some_facts,
)
from shared.testing.bus_ownership import (
    a_killed_process_gives_its_partitions_back,
    a_partition_has_one_owner_at_a_time,
)


async def each_stream_of_a_topic_comes_in_order_and_complete(case: BusCase) -> None:
    """Whatever the partitions: first sightings of one stream and topic are as published."""
    facts = some_facts(case, 200)
    for start in range(0, len(facts), 20):
        await case.publish(facts[start : start + 20])
    listener = await a_listener(case)
    await listener.hear_all()
    assert_complete(listener, facts)
    if case.never_repeats:
        assert len(listener.ids()) == len(facts)


async def one_topic_alone_is_heard_alone(case: BusCase) -> None:
    """Facts of other topics are passed over, and do not count as being behind for ever."""
    facts = some_facts(case, 60)
    await case.publish(facts)
    topic = case.topics[1]
    listener = Listener((await case.process()).subscribe(GROUP, [topic]))
    await listener.hear_all()
    assert set(listener.ids()) == {fact.id for fact in facts if fact.topic == topic}


async def the_bus_keeps_nothing_and_any_cursor_reads_the_same_again(case: BusCase) -> None:
    """A cursor is the consumer's: from any one that was handed out, the rest comes again."""
    await case.publish(some_facts(case, 80))
    listener = await a_listener(case)
    places: list[tuple[str, str, int]] = []
    while await listener.round() or await listener.is_behind():
        for partition, cursor in listener.cursors.items():
            places.append((partition, cursor, len(listener.heard[partition])))
    again = Listener(listener.subscription)
    for partition, cursor, count in random.Random(2).sample(places, min(10, len(places))):  # noqa: S311
        again.cursors, again.heard = {**listener.cursors, partition: cursor}, defaultdict(list)
        await again.hear_all()
        rest = listener.heard[partition][count:]
        assert [r.event_id for r in again.heard[partition]] == [r.event_id for r in rest]


async def nothing_is_lost_under_concurrent_writers(case: BusCase) -> None:
    """Eight writers publish while a reader reads: all arrives, each stream in its order."""
    listener = await a_listener(case, limit=50)
    told: list[Told] = []

    async def writer(number: int) -> None:
        facts = some_facts(case, 60, name=f"w{number}", seed=number)
        for start in range(0, len(facts), 3):
            await case.publish(facts[start : start + 3])
        told.extend(facts)

    writers = [asyncio.create_task(writer(number)) for number in range(8)]
    await listener.hear_until(lambda: all(w.done() for w in writers))
    while not all(writer.done() for writer in writers):
        await listener.round()
        await asyncio.sleep(0)
    await asyncio.gather(*writers)
    await listener.hear_all()
    assert_complete(listener, told)


async def a_batch_is_cut_behind_a_mark(case: BusCase) -> None:
    """A mark is the last record of its delivery, however large the limit."""
    for number in range(3):
        await case.publish(some_facts(case, 10, name=f"m{number}"))
        await case.mark()
    listener = await a_listener(case, limit=1000)
    bus = listener.subscription
    while True:
        moved = False
        for partition in await bus.partitions():
            delivery = await bus.read(partition, listener.cursors.get(partition, ""), 1000)
            moved = moved or bool(delivery.records)
            listener.cursors[partition] = delivery.cursor
            assert all(record.mark is None for record in delivery.records[:-1])
        if not moved and not await listener.is_behind():
            return


async def every_partition_gets_each_mark_in_order_between_the_right_facts(case: BusCase) -> None:
    """What was published before a mark stands before its first sighting, what later, behind it."""
    before: dict[str, int] = {}
    marks = []
    for number in range(4):
        facts = some_facts(case, 25, name=f"d{number}", seed=number)
        await case.publish(facts)
        before |= {fact.id: number for fact in facts}
        marks.append(await case.mark())
    listener = await a_listener(case)
    await listener.hear_all()
    closing = await listener.subscription.closing_partitions()
    assert set(closing) <= set(listener.heard)
    for partition in closing:
        passed, seen = 0, []
        for record in first_sightings(listener.heard[partition]):
            if record.mark is not None:
                seen.append(record.mark)
                passed += 1
            else:
                assert before[record.event_id] == passed, (partition, record.event_id)
        assert seen == marks, (partition, seen, marks)


async def closing_partitions_are_all_that_bear_marks_owned_or_not(case: BusCase) -> None:
    """Two processes that share the work agree on what a close waits for."""
    await case.publish(some_facts(case, 30))
    await case.mark()
    one, other = await a_listener(case), await a_listener(case)
    for _ in range(3):
        await one.hear_all()
        await other.hear_all()
    bearing = {
        partition
        for listener in (one, other)
        for partition, heard in listener.heard.items()
        if any(record.mark is not None for record in heard)
    }
    for listener in (one, other):
        assert set(await listener.subscription.closing_partitions()) == bearing


async def wait_returns_on_a_hint_and_when_its_time_is_over(case: BusCase) -> None:
    """A hint ends it at once, silence after the time given, and a hint before it is not lost."""
    listener = await a_listener(case)
    subscription, clock = listener.subscription, asyncio.get_running_loop().time
    await case.publish(some_facts(case, 1))
    await listener.hear_all()

    async def quiet() -> bool:
        began = clock()
        await subscription.wait(0.05)
        return clock() - began >= 0.045

    for _ in range(100):
        if await quiet():
            break
    else:
        raise AssertionError("wait never lasts as long as it was told to")
    waiting = asyncio.create_task(subscription.wait(15))
    await asyncio.sleep(0)
    began = clock()
    await case.publish(some_facts(case, 2, name="hint"))
    await waiting
    assert clock() - began < 5
    await listener.hear_all()


async def is_behind_tells_the_truth(case: BusCase) -> None:
    """False at the end of everything, true as soon as anything is published."""
    listener = await a_listener(case)
    await listener.subscription.partitions()
    await case.publish(some_facts(case, 20))
    assert await listener.is_behind()
    await listener.hear_all()
    assert not await listener.is_behind()
    await case.publish(some_facts(case, 1, name="more"))
    assert await listener.is_behind()
    await listener.hear_all()
    assert "more-0" in listener.ids()


async def is_behind_even_of_what_may_not_be_read_yet(case: BusCase) -> None:
    """A reader that sees nothing must know that something is coming, or it sleeps a second."""
    listener = await a_listener(case)
    await case.publish(some_facts(case, 5))
    await listener.hear_all()
    async with case.held_horizon():
        await case.publish(some_facts(case, 5, name="later"))
        for _ in range(3):
            if not await listener.round() and len(set(listener.ids())) < 10:
                assert await listener.is_behind()
    await listener.hear_all()
    assert len(set(listener.ids())) == 10


TRUTHS: Final[Sequence[Callable[[BusCase], Awaitable[None]]]] = (
    each_stream_of_a_topic_comes_in_order_and_complete,
    one_topic_alone_is_heard_alone,
    the_bus_keeps_nothing_and_any_cursor_reads_the_same_again,
    nothing_is_lost_under_concurrent_writers,
    a_batch_is_cut_behind_a_mark,
    every_partition_gets_each_mark_in_order_between_the_right_facts,
    closing_partitions_are_all_that_bear_marks_owned_or_not,
    a_partition_has_one_owner_at_a_time,
    a_killed_process_gives_its_partitions_back,
    wait_returns_on_a_hint_and_when_its_time_is_over,
    is_behind_tells_the_truth,
    is_behind_even_of_what_may_not_be_read_yet,
)

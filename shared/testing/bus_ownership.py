"""Conformance, second part: who holds which partition, and what happens when its holder dies."""

from __future__ import annotations

from shared.testing.bus_cases import (
    GROUP,
    BusCase,
    Listener,
    a_listener,
    assert_complete,
    eventually,
    some_facts,
)


async def a_partition_has_one_owner_at_a_time(case: BusCase) -> None:
    """Two processes of a group never hold the same partition, and together hold them all."""
    await case.publish(some_facts(case, 30))
    one, other = await a_listener(case), await a_listener(case)
    everything = set(await one.subscription.closing_partitions())

    async def owned() -> tuple[set[str], set[str]]:
        # Two looks; a partition may move in between, so the first is taken again.
        first = set(await one.subscription.partitions())
        second = set(await other.subscription.partitions())
        return first & set(await one.subscription.partitions()), second

    for _ in range(20):
        mine, its = await owned()
        assert not mine & its
    stranger = Listener((await case.process()).subscribe("strangers", case.topics))
    await stranger.hear_all()
    assert set(stranger.heard) <= everything
    assert_complete(stranger, some_facts(case, 30))
    await one.subscription.close()
    await _takes_over(other, everything)


async def a_killed_process_gives_its_partitions_back(case: BusCase) -> None:
    """Who takes over goes on at the stored cursors: all arrives, nothing is left out."""
    facts = some_facts(case, 120)
    await case.publish(facts[:60])
    bus = await case.process()
    first = Listener(bus.subscribe(GROUP, case.topics), 7)
    await first.hear_until(lambda: len(first.records()) >= 20)
    await case.kill(bus)
    await case.publish(facts[60:])
    second = await a_listener(case)
    second.cursors = dict(first.cursors)
    await _takes_over(second, set(await second.subscription.closing_partitions()))
    await second.hear_all()
    for partition, heard in second.heard.items():
        first.heard[partition] += heard
    assert_complete(first, facts)
    if case.never_repeats:
        assert len(first.ids()) == len(facts)


async def _takes_over(listener: Listener, partitions: set[str]) -> None:
    async def holds_them_all() -> bool:
        return partitions <= set(await listener.subscription.partitions())

    await eventually(holds_them_all)

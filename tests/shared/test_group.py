"""A member whose partition is taken away and given back while it is fetching."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import pytest

from shared.bus.group import Assignments, Fetched, GroupSubscription, PartitionId
from shared.bus.wire import headers_of
from shared.events.envelope import Record
from shared.events.topics import FEEDBACK

PLACE = PartitionId(FEEDBACK, 0)
CHANNEL = f"{FEEDBACK}/0:feedback"
AT = datetime(2026, 1, 5, tzinfo=UTC)


def _fetched(offset: int) -> Fetched:
    record = Record(
        topic=FEEDBACK, stream="t", version=offset + 1, source="s", event_id=f"e{offset}",
        type="t.v1", occurred_at=AT, recorded_at=AT, fact=b"{}",
    )  # fmt: skip
    return Fetched(offset, headers_of(record, "feedback"), b"{}")


class SleepyMember:
    """Gives what it fetched before it fell asleep; meanwhile the group has shared out anew."""

    def __init__(self) -> None:
        self.sought: list[int] = []
        self.log = [_fetched(offset) for offset in range(6)]
        self.falls_asleep = False
        self.position = 0

    async def start(self, streams: Assignments) -> None:
        self.given = streams
        streams.assigned([PLACE])

    async def fetch(
        self, places: Sequence[PartitionId], seconds: float
    ) -> Mapping[PartitionId, Sequence[Fetched]]:
        found = self.log[self.position :]
        self.position = len(self.log)
        if self.falls_asleep:
            self.falls_asleep = False
            self.given.revoked([PLACE])
            self.given.assigned([PLACE])
        return {PLACE: found} if found else {}

    def go_to(self, place: PartitionId, offset: int) -> bool:
        self.sought.append(offset)
        self.position = offset
        return True

    async def ends(self, places: Iterable[PartitionId]) -> Mapping[PartitionId, int]:
        return dict.fromkeys(places, len(self.log))

    async def beginning(self, place: PartitionId) -> int:
        return 0

    async def close(self) -> None:
        """Nothing to give back."""


async def test_what_was_fetched_before_a_sleep_does_not_begin_the_partition_given_anew() -> None:
    """Another member has taken those facts meanwhile, and the cursor stands right behind them: a
    stream that looked as if it stood there too would never be begun, and stay paused for ever."""
    member = SleepyMember()
    subscription = GroupSubscription(member, "hearers", [FEEDBACK], partitions=1)
    assert list(await subscription.partitions()) == [CHANNEL]
    await subscription.read(CHANNEL, "", 100)
    member.falls_asleep = True
    await subscription.partitions()
    member.sought.clear()
    await subscription.read(CHANNEL, "6", 100)
    assert member.sought == [6]
    member.log.append(_fetched(6))
    await subscription.partitions()
    delivery = await subscription.read(CHANNEL, "6", 100)
    assert [record.event_id for record in delivery.records] == ["e6"]


async def test_a_member_that_is_given_nothing_for_too_long_joins_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The client hides that its joining is stuck; nobody else would ever notice."""
    monkeypatch.setattr("shared.bus.group.GIVEN_WITHIN", -1.0)
    member = SleepyMember()
    subscription = GroupSubscription(member, "hearers", [FEEDBACK], partitions=1)
    assert list(await subscription.partitions()) == [CHANNEL]
    member.given.revoked([PLACE])
    assert list(await subscription.partitions()) == [CHANNEL]

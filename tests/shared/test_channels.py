"""Two logs in one Kafka partition, each with a cursor of its own: neither passes over what is its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import pytest

from shared.bus import channels
from shared.bus.group import Assignments, Fetched, GroupSubscription, PartitionId
from shared.bus.wire import headers_of
from shared.events.envelope import Record
from shared.events.topics import REFERENCE

PLACE = PartitionId(REFERENCE, 0)
ORDERS, FEEDBACK = f"{REFERENCE}/0:orders", f"{REFERENCE}/0:feedback"
AT = datetime(2026, 1, 5, tzinfo=UTC)


def _fetched(offset: int, log: str) -> Fetched:
    record = Record(
        topic=REFERENCE, stream="t", version=offset + 1, source="s", event_id=f"e{offset}",
        type="t.v1", occurred_at=AT, recorded_at=AT, fact=b"{}",
    )  # fmt: skip
    return Fetched(offset, headers_of(record, log), b"{}")


class SlowMember:
    """Fetches a few records of its partition at a time, from where it was last sent."""

    def __init__(self, logs: Sequence[str], *, at_once: int = 4) -> None:
        self._log = [_fetched(offset, log) for offset, log in enumerate(logs)]
        self._at_once = at_once
        self._position: int | None = None
        self.sought: list[int] = []

    async def start(self, streams: Assignments) -> None:
        streams.assigned([PLACE])

    async def fetch(
        self, places: Sequence[PartitionId], seconds: float
    ) -> Mapping[PartitionId, Sequence[Fetched]]:
        if self._position is None:
            return {}
        found = self._log[self._position : self._position + self._at_once]
        self._position += len(found)
        return {PLACE: found} if found else {}

    def go_to(self, place: PartitionId, offset: int) -> bool:
        self.sought.append(offset)
        self._position = offset
        return True

    async def ends(self, places: Iterable[PartitionId]) -> Mapping[PartitionId, int]:
        return dict.fromkeys(places, len(self._log))

    async def beginning(self, place: PartitionId) -> int:
        return 0

    async def close(self) -> None:
        """Nothing to give back."""


class Reader:
    """Asks for each channel in turn, as the consumer does."""

    def __init__(self, member: SlowMember, cursors: dict[str, str]) -> None:
        self._subscription = GroupSubscription(member, "hearers", [REFERENCE], partitions=1)
        self.cursors = cursors
        self.heard: dict[str, list[str]] = {name: [] for name in cursors}

    async def rounds(self, count: int, names: Sequence[str], limit: int = 100) -> None:
        """So many rounds over these channels."""
        for _ in range(count):
            await self._subscription.partitions()
            for name in names:
                delivery = await self._subscription.read(name, self.cursors[name], limit)
                self.cursors[name] = delivery.cursor
                self.heard[name] += [record.event_id for record in delivery.records]


def _ids(first: int, end: int) -> list[str]:
    return [f"e{n}" for n in range(first, end)]


@pytest.mark.parametrize("names", [(ORDERS, FEEDBACK), (FEEDBACK, ORDERS)])
@pytest.mark.parametrize("behind", [ORDERS, FEEDBACK])
async def test_the_channel_that_stands_further_back_passes_over_nothing(
    names: tuple[str, str], behind: str
) -> None:
    """So a partition is taken over in the middle of a close: one log's marks stand before the other's."""
    first, second = ("orders", "feedback") if behind == ORDERS else ("feedback", "orders")
    ahead = FEEDBACK if behind == ORDERS else ORDERS
    reader = Reader(SlowMember([first] * 10 + [second] * 10), {behind: "3", ahead: "15"})
    await reader.rounds(20, names)
    assert reader.heard == {behind: _ids(3, 10), ahead: _ids(15, 20)}
    assert reader.cursors == {behind: "20", ahead: "20"}


async def test_a_channel_that_was_held_meanwhile_goes_on_from_where_it_stood() -> None:
    """Nobody asked for it, so it was not there when the other's records were dealt out."""
    reader = Reader(SlowMember(["orders", "feedback"] * 10), {ORDERS: "1", FEEDBACK: "2"})
    await reader.rounds(10, [FEEDBACK])
    assert reader.heard == {ORDERS: [], FEEDBACK: [f"e{n}" for n in range(3, 20, 2)]}
    await reader.rounds(20, [ORDERS, FEEDBACK])
    assert reader.heard[ORDERS] == [f"e{n}" for n in range(2, 20, 2)]
    assert reader.heard[FEEDBACK] == [f"e{n}" for n in range(3, 20, 2)]


@pytest.mark.parametrize("names", [(ORDERS, FEEDBACK), (FEEDBACK, ORDERS)])
async def test_a_batch_that_failed_is_fetched_again_whoever_has_gone_on(
    names: tuple[str, str],
) -> None:
    reader = Reader(SlowMember(["orders"] * 10 + ["feedback"] * 10), {ORDERS: "0", FEEDBACK: "0"})
    await reader.rounds(20, names)
    reader.heard[ORDERS].clear()
    reader.cursors[ORDERS] = "4"  # what was taken from there was rolled back
    await reader.rounds(20, names)
    assert reader.heard == {ORDERS: _ids(4, 10), FEEDBACK: _ids(10, 20)}


async def test_a_channel_that_was_full_misses_nothing_while_the_other_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is held while its records come; then it hands out a few at a time, and is not full any more."""
    monkeypatch.setattr(channels, "BUFFER_MAX", 4)
    member = SlowMember((["orders"] * 3 + ["feedback"]) * 6)
    reader = Reader(member, {ORDERS: "0", FEEDBACK: "0"})
    await reader.rounds(1, [ORDERS, FEEDBACK])  # both are begun
    await reader.rounds(2, [FEEDBACK])
    await reader.rounds(30, [FEEDBACK, ORDERS], limit=1)
    assert reader.heard[ORDERS] == [f"e{n}" for n in range(24) if n % 4 != 3]
    assert reader.heard[FEEDBACK] == [f"e{n}" for n in range(24) if n % 4 == 3]


async def test_channels_that_stand_together_are_fetched_once() -> None:
    """Only who stands elsewhere costs a second fetch."""
    member = SlowMember(["orders", "feedback"] * 10)
    reader = Reader(member, {ORDERS: "", FEEDBACK: ""})
    await reader.rounds(20, [ORDERS, FEEDBACK])
    assert reader.cursors == {ORDERS: "20", FEEDBACK: "20"}
    assert member.sought == [0]

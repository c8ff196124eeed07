"""Consumers of one group (消费组): checkpoints with the effect, epochs, held partitions, closes.

What `consumer.py`, `taking.py`, `closing.py` and `checkpoints.py` do, in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from shared.events.envelope import Record
from tests.simulation.bus import Bus, Partition
from tests.simulation.journal import Crash
from tests.simulation.tables import Database, Transaction

Fold = Callable[[Transaction, Sequence[Record]], None]
Close = Callable[[Transaction, datetime], bool]


class Checkpoint(NamedTuple):
    """Where a partition stands: read so far, under whose epoch, behind which mark."""

    cursor: int = 0
    epoch: int = 0
    last_mark: datetime | None = None


class Taken(NamedTuple):
    """What was read of one partition, between two cursors."""

    partition: str
    epoch: int
    old: int
    new: int
    records: Sequence[Record]


@dataclass(slots=True)
class Member:
    """One process of the group: what it believes to own, and what it had in hand when it fell asleep."""

    owned: dict[str, tuple[int, int]] = field(default_factory=dict)
    hand: list[Taken] = field(default_factory=list)


@dataclass(slots=True)
class Habits:
    """How a group keeps its promises; each can be broken to see whether anybody notices."""

    barrier: bool = True
    checkpoint_first: bool = False
    fence: bool = True


class Group:
    """A service that reads, with two processes."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        topics: Sequence[str],
        fold: Fold,
        close: Close | None = None,
        habits: Habits | None = None,
    ) -> None:
        self.database, self._bus, self._fold, self._close = database, bus, fold, close
        self._habits = habits or Habits()
        self.names = [name for name, one in bus.partitions.items() if one.topic in topics]
        self.members = [Member(), Member()]
        self.owners = {name: number % 2 for number, name in enumerate(self.names)}

    def gather(self, member: int) -> None:
        """Everything goes to one process; the other one takes what it had in hand, if it still may."""
        self.owners = dict.fromkeys(self.names, member)

    def move(self, number: int, member: int) -> None:
        """The group gives a partition to one of its processes."""
        self.owners[self.names[number % len(self.names)]] = member

    def take(
        self, clock: datetime, number: int, limit: int, crash: str | None, asleep: bool
    ) -> None:
        """A process reads a batch and takes it, at once or when it wakes."""
        member = self.members[number]
        try:
            if not member.hand:
                self._own(member, number)
                member.hand = self._read(member, limit)
                if asleep:
                    return
            batch, member.hand = member.hand, []
            if batch:
                self._commit(clock, member, batch, crash)
        except Crash:
            self.members[number] = Member()

    def run_closes(self, clock: datetime, crash: str | None) -> None:
        """Run what is complete, step by step."""
        with suppress(Crash):
            while self._close is not None and (at := self._lowest_complete()) is not None:
                self.database.transact(clock, lambda tx, at=at: self._close_step(tx, at), crash)

    @property
    def is_done(self) -> bool:
        """Everything is read, and no close is open."""
        behind = any(self._at(n).cursor < len(self._bus.partitions[n].records) for n in self.names)
        return not behind and not self._open()

    def _own(self, member: Member, number: int) -> None:
        mine = [name for name in self.names if self.owners[name] == number]
        for name in set(member.owned) - set(mine):
            del member.owned[name]
        for name in mine:
            if name not in member.owned:
                at = self._at(name)
                self.database.table("checkpoints")[name] = at._replace(epoch=at.epoch + 1)
                member.owned[name] = (at.cursor, at.epoch + 1)

    def _read(self, member: Member, limit: int) -> list[Taken]:
        batch = []
        for name, (cursor, epoch) in member.owned.items():
            if limit <= 0:
                break
            if self._is_held(name):
                continue
            partition = self._bus.partitions[name]
            records = self._stretch(partition, cursor, min(cursor + limit, partition.end))
            if records:
                batch.append(Taken(name, epoch, cursor, cursor + len(records), records))
                limit -= len(records)
        return batch

    def _stretch(self, partition: Partition, begins: int, ends: int) -> list[Record]:
        """Up to a mark; who closes nothing may read on behind it."""
        place = begins
        while place < ends:
            place += 1
            if self._close is not None and partition.records[place - 1].mark is not None:
                break
        return partition.records[begins:place]

    def _commit(
        self, clock: datetime, member: Member, batch: list[Taken], crash: str | None
    ) -> None:
        table = self.database.table("checkpoints")
        for one in batch:
            at = table.get(one.partition, Checkpoint())
            if self._habits.fence and (at.epoch, at.cursor) != (one.epoch, one.old):
                for other in batch:  # fenced: it asks anew for all that it had in hand
                    member.owned.pop(other.partition, None)
                return
        if self._habits.checkpoint_first:
            self.database.transact(clock, lambda tx: self._advance(tx, batch))
            self.database.transact(clock, lambda tx: self._effects(tx, batch), crash)
        else:
            self.database.transact(
                clock, lambda tx: (self._effects(tx, batch), self._advance(tx, batch)), crash
            )
        for one in batch:
            member.owned[one.partition] = (one.new, one.epoch)

    def _effects(self, tx: Transaction, batch: list[Taken]) -> None:
        facts = [record for one in batch for record in one.records if record.mark is None]
        if facts:
            self._fold(tx, facts)

    def _advance(self, tx: Transaction, batch: list[Taken]) -> None:
        for one in batch:
            at: Checkpoint = tx.get("checkpoints", one.partition)
            assert one.new > at.cursor, f"the checkpoint of {one.partition} goes back"
            mark = one.records[-1].mark
            if mark is not None and (at.last_mark is None or at.last_mark < mark):
                if tx.get("closes", mark) is None:
                    tx.put("met", (mark, one.partition), True)
                at = at._replace(last_mark=mark)
            tx.put("checkpoints", one.partition, at._replace(cursor=one.new, epoch=one.epoch))

    def _at(self, partition: str) -> Checkpoint:
        found: Checkpoint = self.database.table("checkpoints").get(partition, Checkpoint())
        return found

    def _open(self) -> list[datetime]:
        if self._close is None:
            return []
        return sorted({at for at, _ in self.database.table("met")})

    def _is_held(self, partition: str) -> bool:
        if self._close is None or not self._habits.barrier:
            return False
        return (self._at(partition).last_mark, partition) in self.database.table("met")

    def _lowest_complete(self) -> datetime | None:
        for at in self._open():
            passed = [self._at(name).last_mark for name in self.names]
            if not self._habits.barrier or all(p is not None and p >= at for p in passed):
                return at
        return None

    def _close_step(self, tx: Transaction, at: datetime) -> None:
        assert self._close is not None
        if self._close(tx, at):
            tx.put("closes", at, True)
            for name in self.names:
                tx.drop("met", (at, name))

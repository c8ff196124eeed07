"""One service's log and streams in memory, in the frame's own order of things (内存日志).

What `shared/runtime/handling.py`, `clockwork.py` and `marks.py` do in transactions of PostgreSQL is done
here between two lines of Python: due first, marks before what comes behind them, judge, store. The
judging itself is the product's. Each thing that the tables forbid is an assertion.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from shared.events.envelope import PLATFORM, Record
from shared.events.topics import MARK_TYPE, MARKS
from shared.kernel.clock import utc_text
from shared.kernel.decider import Decider, Sent
from shared.runtime.judging import Batch, Verdict
from shared.runtime.marks import MARK_STREAM, next_closing_instant
from shared.store.log import NewEvent, StreamRow


class Crash(Exception):
    """The process died here; what was committed stays, what was not is gone."""


BEFORE, AFTER = "before", "after"
"""Where a process dies: before its commit, or between the commit and the answer."""


class Journal:
    """The log of one service; `marks` where it takes facts from outside."""

    def __init__(
        self,
        decider: Decider[Any, Any],
        world: Any,
        began: datetime,
        *,
        marks: bool = False,
        batch: type[Batch[Any, Any]] = Batch,
    ) -> None:
        self.decider, self.world, self._batch = decider, world, batch
        self.log: list[Record] = []
        self.hashes: list[bytes] = []
        self.rows: dict[str, StreamRow] = {}
        self.dues: dict[str, datetime] = {}
        self.columns: dict[str, tuple[Any, ...]] = {}
        self.known: dict[tuple[str, str], tuple[bytes, int]] = {}
        self.last_mark: datetime | None = None
        self.next_mark = next_closing_instant(began) if marks else None
        self.before: dict[datetime, frozenset[tuple[str, str, int]]] = {}
        self._told: set[tuple[str, str, int]] = set()
        self._versions: dict[str, int] = {}
        self._marks = 0

    def batch(self, at: datetime, *, probe: bool = True) -> Batch[Any, Any]:
        """A batch over the streams as they are."""
        known = self.known if probe else {}
        return self._batch(self.decider, self.rows, known, at, self.world)

    def handle(self, sent: Sequence[Sent], clock: datetime, crash: str | None) -> list[Verdict]:
        """Judge what came through the door, in one transaction."""
        now = self.behind_marks(clock)
        judged = self.batch(now)
        verdicts = [judged.judge(one) for one in sent]
        if crash == BEFORE:
            raise Crash
        positions = self.store(judged, clock)
        for verdict in verdicts:
            if verdict.index is not None:
                verdict.position = positions[verdict.index]
        if crash == AFTER:
            raise Crash
        return verdicts

    def fire(self, clock: datetime, crash: str | None = None) -> None:
        """What an awake worker does: dues and missing marks, each its own transaction."""
        now = self.behind_marks(clock)
        if crash == BEFORE:
            raise Crash
        self.wake(now, clock)
        if crash == AFTER:
            raise Crash

    def next_instant(self) -> datetime | None:
        """When a worker that never sleeps comes next."""
        dues = [*self.dues.values(), *([] if self.next_mark is None else [self.next_mark])]
        return min(dues, default=None)

    def version_of(self, stream: str) -> int:
        """The last version of a stream, 0 where it has not begun."""
        return self._versions.get(stream, 0)

    def record(self, events: Sequence[NewEvent], clock: datetime) -> None:
        """Append facts that no stream's state follows from."""
        for event in events:
            self._append(event, clock)

    def store(self, judged: Batch[Any, Any], clock: datetime) -> list[int]:
        """Append the facts and keep the streams; the constraints of the tables hold."""
        first = len(self.log)
        for event in judged.events:
            self._append(event, clock)
        for name, stream in judged.streams.items():
            if stream.touched and stream.state is not None:
                self.rows[name] = StreamRow(stream.version, self.decider.encode(stream.state))
                self.columns[name] = self.decider.columns(stream.state)
                due = self.decider.due(stream.state)
                if due is None:
                    self.dues.pop(name, None)
                else:
                    self.dues[name] = due
        return list(range(first, len(self.log)))

    def _append(self, event: NewEvent, clock: datetime) -> None:
        version = self._versions.get(event.stream, 0) + 1
        assert event.version == version, f"{event.stream} has a gap before {event.version}"
        self._versions[event.stream] = version
        identity = (event.source, event.event_id)
        assert identity not in self.known, f"{identity} is recorded twice"
        at = event.recorded_at
        assert at <= clock, f"{event.event_id} is dated {at}, and it is {clock}"
        assert self.last_mark is None or at >= self.last_mark or event.source == PLATFORM, (
            f"{event.event_id} is dated before the mark that stands before it"
        )
        assert self.next_mark is None or at <= self.next_mark, f"{event.event_id} misses a mark"
        self.known[identity] = (event.sha256, len(self.log))
        self._told.add((event.topic, event.stream, event.version))
        self.hashes.append(event.sha256)
        self.log.append(
            Record(
                topic=event.topic,
                stream=event.stream,
                version=event.version,
                source=event.source,
                event_id=event.event_id,
                type=event.type,
                occurred_at=event.occurred_at,
                recorded_at=at,
                fact=event.fact,
            )
        )

    def behind_marks(self, clock: datetime) -> datetime:
        """The instant of a transaction, behind every mark that is due by now."""
        while self.next_mark is not None and clock >= self.next_mark:
            self.wake(self.next_mark, clock)
            self._append_mark(self.next_mark)
        return clock

    def wake(self, until: datetime, clock: datetime) -> None:
        due = sorted((at, name) for name, at in self.dues.items() if at <= until)
        if due:
            judged = self.batch(until, probe=False)
            judged.wake_all([name for _, name in due], until)
            self.store(judged, clock)

    def _append_mark(self, at: datetime) -> None:
        self._marks += 1
        self.before[at] = frozenset(self._told)
        fact = msgspec.json.encode({"at": utc_text(at)})
        self.hashes.append(b"")
        self.log.append(
            Record(
                topic=MARKS,
                stream=MARK_STREAM,
                version=self._marks,
                source=PLATFORM,
                event_id=f"mark-{utc_text(at)}",
                type=MARK_TYPE,
                occurred_at=at,
                recorded_at=at,
                fact=fact,
                mark=at,
            )
        )
        self.last_mark, self.next_mark = at, next_closing_instant(at)

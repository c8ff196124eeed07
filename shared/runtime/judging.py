"""One batch judged in memory: duplicates, refusals, facts, new states. Pure, in the order sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from shared.events.envelope import PLATFORM, written
from shared.kernel.decider import Decided, Decider, Sent
from shared.kernel.errors import Refusal
from shared.store.log import NewEvent, StreamRow

S = TypeVar("S")
W = TypeVar("W")

_encode = msgspec.json.Encoder().encode


class Verdict(msgspec.Struct):
    """What became of one event: accepted, duplicate or rejected (with the refusal)."""

    status: str
    position: int | None = None
    refusal: Refusal | None = None
    index: int | None = None


@dataclass(slots=True)
class Stream(Generic[S]):
    """One stream while a batch is judged."""

    version: int
    state: S | None
    first_index: int | None = None
    touched: bool = False


@dataclass(slots=True)
class Batch(Generic[S, W]):
    """Judges events one after another; later ones see what earlier ones did."""

    decider: Decider[S, W]
    rows: Mapping[str, StreamRow]
    known: Mapping[tuple[str, str], tuple[bytes, int]]
    now: datetime
    world: W
    events: list[NewEvent] = field(default_factory=list)
    streams: dict[str, Stream[S]] = field(default_factory=dict)
    _fresh: dict[tuple[str, str], tuple[bytes, int]] = field(default_factory=dict)

    def judge(self, sent: Sent) -> Verdict:
        """The verdict on one event; what is due on its stream by now happens first."""
        stream = self._stream(sent.stream)
        self.wake(sent.stream, stream, self.now)
        try:
            self.decider.authorise(stream.state, sent, self.world)
            repeated = self._repeated(sent)
            if repeated is not None:
                return repeated
            decided = self.decider.decide(stream.state, sent, self.now, self.world)
        except Refusal as refusal:
            return Verdict("rejected", refusal=refusal)
        index = len(self.events)
        self._take(sent.stream, stream, decided, sent.traceparent)
        self._fresh[sent.source, sent.event_id] = (sent.sha256, index)
        return Verdict("accepted", index=index)

    def wake(self, name: str, stream: Stream[S], until: datetime) -> None:
        """Apply everything due at or before `until`: a result never depends on an awake worker."""
        while stream.state is not None:
            due = self.decider.due(stream.state)
            if due is None or due > until:
                return
            for decided in self.decider.wake(stream.state, due, self.world):
                self._take(name, stream, decided)

    def apply(self, name: str, decide: Callable[[S], Sequence[Decided]]) -> None:
        """What the platform decides of one stream by itself, after everything due by now."""
        stream = self._stream(name)
        self.wake(name, stream, self.now)
        if stream.state is not None:
            for decided in decide(stream.state):
                self._take(name, stream, decided)

    def record(self, name: str, decided: Decided) -> None:
        """A fact that the platform itself decides, on a stream that may begin with it."""
        self._take(name, self._stream(name), decided)

    def state_of(self, name: str) -> S | None:
        """A stream as the batch leaves it so far; None where nothing is known of it."""
        return self._stream(name).state

    def wake_all(self, names: Sequence[str], until: datetime) -> None:
        """The same for many streams: what a clockwork asks for."""
        for name in names:
            self.wake(name, self._stream(name), until)

    def _stream(self, name: str) -> Stream[S]:
        stream = self.streams.get(name)
        if stream is None:
            row = self.rows.get(name)
            stream = (
                Stream(0, None)
                if row is None
                else Stream(row.version, self.decider.decode(row.state))
            )
            self.streams[name] = stream
        return stream

    def _repeated(self, sent: Sent) -> Verdict | None:
        identity = (sent.source, sent.event_id)
        stored = self.known.get(identity)
        fresh = None if stored else self._fresh.get(identity)
        first = stored or fresh
        if first is None:
            return None
        if first[0] != sent.sha256:
            raise Refusal(
                "conflicting_duplicate",
                "同一事件编号已登记过不同的内容; 请换用新的 id",
                "this source and id were recorded with other content; use a new id",
                pointer="/id",
            )
        if stored:
            return Verdict("duplicate", position=stored[1])
        return Verdict("duplicate", index=first[1])

    def _take(
        self, name: str, stream: Stream[S], decided: Decided, traceparent: str | None = None
    ) -> None:
        stream.version += 1
        stream.touched = True
        if stream.version == 1:
            stream.first_index = len(self.events)
        stream.state = self.decider.evolve(stream.state, decided.type, decided.fact)
        self.events.append(_row(name, stream.version, decided, traceparent))
        for consequence in decided.also:
            self._take(name, stream, consequence, traceparent)


def _row(stream: str, version: int, decided: Decided, traceparent: str | None) -> NewEvent:
    sent = decided.sent
    if sent is not None:
        source, event_id, occurred_at = sent.source, sent.event_id, sent.occurred_at
        sha256, payload = sent.sha256, sent.payload
    else:
        source, event_id, occurred_at = PLATFORM, decided.event_id, decided.at
        sha256, payload = written(
            source=source, id=event_id, type=decided.type, time=occurred_at, data=decided.data
        )
    return NewEvent(
        decided.topic, stream, version, source, event_id, decided.type, occurred_at, decided.at,
        sha256, payload, _encode(decided.fact),
        decided.hospital_id, decided.distributor_id, decided.manufacturers, decided.divisions,
        traceparent,
    )  # fmt: skip

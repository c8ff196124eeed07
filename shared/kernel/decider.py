"""Rules as functions: what was sent, what is decided, and how a state follows (判定).

A service gathers its rules in one `Decider`. All of them are pure: facts, policy and time come in
as arguments, a decision or a `Refusal` comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

S = TypeVar("S")
W = TypeVar("W")


@dataclass(slots=True)
class Sent:
    """One event as it came through a door: parsed, hashed, with the sender's bytes beside it.

    `command` is the service's own reading of the data; `role` and `organisation` say who calls.
    """

    stream: str
    source: str
    event_id: str
    type: str
    occurred_at: datetime
    sha256: bytes
    payload: bytes
    command: Any
    role: str
    organisation: str
    traceparent: str | None = None


@dataclass(slots=True)
class Decided:
    """One fact to record. Without `sent` it is the platform's own, with the id and data given here.

    `at` is the instant it is recorded at; `hospital_id` to `divisions` decide who may see it. `also`
    is what follows from it in the same breath, each a fact of the platform's own.
    """

    topic: str
    type: str
    fact: Any
    at: datetime
    sent: Sent | None = None
    event_id: str = ""
    data: Any = None
    hospital_id: str | None = None
    distributor_id: str | None = None
    manufacturers: str | None = None
    divisions: str | None = None
    also: Sequence[Decided] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decider(Generic[S, W]):
    """The rules of one kind of stream. `W` is the world that decisions stand on besides the stream.

    `authorise` refuses what is not the sender's to say (before duplicates are looked at), `decide`
    refuses or decides; `evolve` takes the state over and returns it with the fact in it; `due` is
    when the stream wants to be woken, `wake` what then happens, each fact at its own instant, in
    the world as it is when the stream wakes.
    """

    authorise: Callable[[S | None, Sent, W], None]
    decide: Callable[[S | None, Sent, datetime, W], Decided]
    evolve: Callable[[S | None, str, Any], S]
    due: Callable[[S], datetime | None]
    wake: Callable[[S, datetime, W], Sequence[Decided]]
    encode: Callable[[S], bytes]
    decode: Callable[[bytes], S]
    columns: Callable[[S], tuple[Any, ...]]

    def until(self, state: S, at: datetime, world: W) -> tuple[S, list[Decided]]:
        """The state as it stands at an instant, and what happened on the way by itself (到期事项).

        Nothing is stored: who reads between a deadline and its clockwork sees no less than a writer.
        """
        done: list[Decided] = []
        while (due := self.due(state)) is not None and due <= at:
            for decided in self.wake(state, due, world):
                state = self.evolve(state, decided.type, decided.fact)
                done.append(decided)
        return state, done

"""Rules told as sentences: given what happened, when this is sent, then that is decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from shared.kernel.decider import Decided, Decider, Sent
from shared.kernel.errors import Refusal

S = TypeVar("S")
W = TypeVar("W")


@dataclass(frozen=True, slots=True)
class Happened:
    """One fact of the past, under its type."""

    type: str
    fact: Any


@dataclass(frozen=True, slots=True)
class Given(Generic[S, W]):
    """A stream with its past."""

    decider: Decider[S, W]
    state: S | None

    def when(self, sent: Sent, *, at: datetime, world: W) -> Outcome:
        """Something is sent and recorded at `at`, while the world is so."""
        try:
            self.decider.authorise(self.state, sent, world)
            return Outcome(self.decider.decide(self.state, sent, at, world), None)
        except Refusal as refusal:
            return Outcome(None, refusal)

    def when_woken(self, *, at: datetime, world: W) -> tuple[Happened, ...]:
        """What the stream does by itself by `at`, each thing at its own instant, while the world is so."""
        if self.state is None:
            return ()
        _, done = self.decider.until(self.state, at, world)
        return tuple(Happened(decided.type, decided.fact) for decided in done)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided, or why it was refused."""

    decided: Decided | None
    refusal: Refusal | None

    def then(self, fact: Any) -> Decided:
        """Exactly this fact; answers the decision, for whoever asks where it goes."""
        assert self.decided is not None, f"refused: {self.refusal}"
        assert self.decided.fact == fact
        return self.decided

    def then_refused(self, code: str, pointer: str | None = None) -> Refusal:
        """Refused with this code, at this place if one is named."""
        assert self.refusal is not None, f"decided: {self.decided}"
        assert self.refusal.code == code
        assert pointer is None or self.refusal.pointer == pointer
        return self.refusal


def given(decider: Decider[S, W], *past: Happened) -> Given[S, W]:
    """A stream to which this has happened; without a past it does not exist yet."""
    state: S | None = None
    for happened in past:
        state = decider.evolve(state, happened.type, happened.fact)
    if state is not None:
        # What is stored is what was meant: every story passes through the bytes once.
        state = decider.decode(decider.encode(state))
    return Given(decider, state)

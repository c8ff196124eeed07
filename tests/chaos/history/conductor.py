"""Who begins orders at a steady rate and hands each next step to its party (编排).

Mostly a step is handed on once the one before it has been answered, as if its party had read it in
its feed; one in ten comes too early, and has to be sent again until the other side has spoken.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Final

from tests.chaos.history.clock import JumpingClock
from tests.chaos.history.parties import Fact, Party
from tests.chaos.history.tales import Step, Tale, tale

STEPS: Final = 6.0
"""About how many events an order makes."""
EARLY: Final = 0.1
CROWDED: Final = 600
"""So many events without an answer: nobody begins another order."""


class Conductor:
    """Draws the orders; parties are found by their organisation."""

    def __init__(
        self, parties: Mapping[str, Party], clock: JumpingClock, rng: random.Random, rate: float
    ) -> None:
        self._parties, self._clock, self._random, self._rate = parties, clock, rng, rate
        self.begun = 0
        self.is_ending = False

    @property
    def pending(self) -> int:
        """Events without their last word."""
        return sum(party.pending for party in self._parties.values())

    @property
    def accepted(self) -> int:
        """Events that were accepted."""
        return sum(party.accepted for party in self._parties.values())

    async def run(self) -> None:
        """Begin orders until told to end."""
        while not self.is_ending:
            await asyncio.sleep(self._random.expovariate(self._rate / STEPS))
            if self.pending < CROWDED:
                self.begun += 1
                self._hand_on(tale(self.begun, self._random))

    def end(self) -> None:
        """No further steps; what was handed out is still answered."""
        self.is_ending = True
        for party in self._parties.values():
            party.is_ending = True

    def _hand_on(self, one: Tale) -> None:
        following = None if self.is_ending else one.next()
        if following is None:
            return
        number, step = following
        self._parties[step.by].give(Fact(self._event(one, number, step), lambda _: again()))
        early = self._random.random() < EARLY

        def again() -> None:
            if not early:
                self._hand_on(one)

        if early:
            self._hand_on(one)

    def _event(self, one: Tale, number: int, step: Step) -> dict[str, object]:
        return {
            "specversion": "1.0", "id": f"{one.order_id}-{number}", "type": step.type,
            "source": f"urn:jicai:{step.by}", "time": self._clock.claim().isoformat(),
            "data": step.data,
        }  # fmt: skip

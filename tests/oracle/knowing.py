"""What was known at an instant: the facts recorded before it, and what timers had done by then.

Readings
- A fact recorded exactly at the instant is not known; a void due exactly then is (what is due at T
  fires when the clock reaches T, voids first, and a fact posted at T comes afterwards).
- Verdicts, and so voids, are the model's; call `model.advance` before asking about an instant that
  lies after the last POST.
"""

from collections.abc import Iterator
from datetime import datetime

from tests.oracle.facts import VOIDED, Fact
from tests.oracle.orders import Orders
from tests.oracle.stories import Story, tell


def known_by(stream: list[Fact], instant: datetime) -> list[Fact]:
    """The part of an order's facts that is known at an instant, as they were recorded."""
    return [
        fact
        for fact in stream
        if fact.recorded_at < instant or (fact.type == VOIDED and fact.recorded_at == instant)
    ]


def stories_at(model: Orders, instant: datetime) -> Iterator[Story]:
    """Every order as it stood at an instant, those that nobody had placed yet left out."""
    for stream in model.streams.values():
        known = known_by(stream, instant)
        if known:
            yield tell(known)

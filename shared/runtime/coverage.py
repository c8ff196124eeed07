"""How far a group has read each log (读取进度), whatever bus carried the facts to it.

A checkpoint bears the name of a log (log bus) or of a channel, `topic/number:log` (broker), and the
furthest place of what was taken there. Facts of a channel come in the order of their log, so all of
it up to that place has been taken, and nothing behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.bus.wire import partition_of
from shared.events.envelope import NOWHERE, Place, Record, place_of


@dataclass(frozen=True, slots=True)
class Coverage:
    """Places by checkpoint; `partitions` is how many each topic has on the broker."""

    places: Mapping[str, Place]
    partitions: int

    def covers(self, log: str, record: Record) -> bool:
        """Whether this fact has been taken."""
        number = partition_of(record.stream.encode(), self.partitions)
        channel = f"{record.topic}/{number}:{log}"
        reached = max(self._at(log), self._at(channel))
        return place_of(record.place) <= reached

    def since(self, earlier: Coverage, log: str) -> tuple[Place, Place] | None:
        """Between which places of a log facts were taken since then; None where none was."""
        moved = [
            (earlier._at(name), place)
            for name, place in self.places.items()
            if name.rpartition(":")[2] == log and place > earlier._at(name)
        ]
        if not moved:
            return None
        return min(before for before, _ in moved), max(now for _, now in moved)

    def _at(self, name: str) -> Place:
        return self.places.get(name, NOWHERE)

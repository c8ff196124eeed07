"""What the platform said while a story was played."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from jicai.province.facts import Json

SHOWN_REJECTIONS = 20


@dataclass(slots=True)
class PlayReport:
    """What the platform said to it all."""

    events: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    """accepted, duplicate, rejected."""
    rejected: Counter[str] = field(default_factory=Counter)
    """Rejected events by code."""
    first_rejections: list[Json] = field(default_factory=list)
    acts: Counter[str] = field(default_factory=Counter)
    """What was done with tickets: accepted, or the code of the refusal."""
    errands: dict[str, Counter[str]] = field(default_factory=dict)
    """What came of each errand: done, or the codes of the refusals."""
    requests: int = 0
    seconds: float = 0.0

    def count(self, results: Sequence[Json]) -> None:
        self.requests += 1
        self.events += len(results)
        for result in results:
            self.statuses[result["status"]] += 1
            if result["status"] == "rejected":
                self.rejected[result.get("code") or "unknown"] += 1
                if len(self.first_rejections) < SHOWN_REJECTIONS:
                    self.first_rejections.append(result)

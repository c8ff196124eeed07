"""What a run came to (判定): one line, and what stands behind it."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.chaos.history.recovery import Recovery


@dataclass(slots=True)
class Verdict:
    """What a run came to."""

    seed: int
    complaints: dict[str, list[str]] = field(default_factory=dict)
    months: list[str] = field(default_factory=list)
    facts: int = 0
    accepted: int = 0
    unknown: int = 0
    drained: float = 0.0
    recoveries: list[Recovery] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)

    @property
    def is_passed(self) -> bool:
        return not self.complaints

    def __str__(self) -> str:
        known = [one.seconds for one in self.recoveries if one.seconds is not None]
        slowest = max(known, default=0.0)
        told = (
            f"{self.facts} facts, {self.accepted} events accepted, {self.unknown} times unknown, "
            f"settled {'; '.join(self.months) or 'nothing'}, "
            f"{len(self.recoveries)} blows, slowest recovery {slowest:.1f} s, "
            f"drained in {self.drained:.1f} s"
        )
        if self.is_passed:
            return f"PASSED seed={self.seed} {told}"
        promise, said = next(iter(self.complaints.items()))
        return f"FAILED seed={self.seed}: {promise}: {said[0]} ({told})"

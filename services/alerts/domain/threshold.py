"""When a rate speaks (预警判定): integers against a threshold, and never on a small sample."""

from __future__ import annotations

from typing import Literal

from shared.kernel.rates import Rate

Step = Literal["raise", "recovered", "sample_too_small"]
"""What a close does: raise an alert, or clear one and say why."""


def step_of(rate: Rate, *, percent: int, sample_min: int, is_open: bool) -> Step | None:
    """What this figure means at a close; None = things stay as they are (预警升降)."""
    is_large = rate.denominator >= sample_min
    if is_large and rate.below(percent):
        return None if is_open else "raise"
    if not is_open:
        return None
    return "recovered" if is_large else "sample_too_small"


def is_small_sample(rate: Rate, *, percent: int, sample_min: int) -> bool:
    """Below the threshold, but on too few to say so: listed apart (小样本)."""
    return 0 < rate.denominator < sample_min and rate.below(percent)

"""What a day close decides (日结预警): for each subject raise, clear, or leave things as they are.

A close may run again (a rebuild, a step that was cut off) and must decide nothing twice. So a close
asks which alerts stood *before its instant*, not which are open now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from services.alerts.domain.threshold import Step, is_small_sample, step_of
from services.alerts.policy import RateRule
from shared.events.alerts import Subject
from shared.kernel.rates import Rate

Key = tuple[str, Subject, str]
"""Rule, kind of subject, id."""

Counted = tuple[Rate, Sequence[str]]
"""A figure, and the divisions that hold a line of it."""

NOTHING_COUNTED: Counted = (Rate(0, 0), ())


class Standing(NamedTuple):
    """One recorded alert that was not cleared before the close (未解除的预警)."""

    stream: str
    raised_at: datetime
    cleared_at: datetime | None


class Change(NamedTuple):
    """What is to be recorded of one subject; `stream` is missing where an alert begins (升降)."""

    rule: RateRule
    subject: Subject
    subject_id: str
    step: Step
    figure: Counted
    stream: str | None


def changes(
    rules: Sequence[RateRule],
    figures: Mapping[Key, Counted],
    standing: Mapping[Key, Standing],
    at: datetime,
) -> list[Change]:
    """What the close at `at` has yet to record, by rule and subject."""
    by_id = {rule.id: rule for rule in rules}
    found = []
    for key in sorted(figures.keys() | standing.keys()):
        rule = by_id.get(key[0])
        stands = standing.get(key)
        if rule is None or (stands is not None and is_settled(stands, at)):
            continue
        figure = figures.get(key, NOTHING_COUNTED)
        step = step_of(
            figure[0],
            percent=rule.percent,
            sample_min=rule.sample_min,
            is_open=stands is not None,
        )
        if step is not None:
            stream = None if stands is None else stands.stream
            found.append(Change(rule, key[1], key[2], step, figure, stream))
    return found


def is_settled(stands: Standing, at: datetime) -> bool:
    """This close, or a later one, has spoken already: it is running again (重复日结)."""
    return stands.raised_at >= at or stands.cleared_at is not None


def small_samples(
    rules: Sequence[RateRule], figures: Mapping[Key, Counted]
) -> list[tuple[RateRule, Key, Counted]]:
    """The figures below their threshold that are too small to alert, by rule and subject (小样本)."""
    by_id = {rule.id: rule for rule in rules}
    return [
        (rule, key, figure)
        for key, figure in sorted(figures.items())
        if (rule := by_id.get(key[0])) is not None
        and is_small_sample(figure[0], percent=rule.percent, sample_min=rule.sample_min)
    ]

"""Alerts of the rate rules (A3.3, section 8), told again from the facts known at each day close.

At the close (24:00) of every local day each rule looks at its rate over the 30 days that end with that
day, over selected lines, for every product, manufacturer and distributor of the province. Nothing is
carried from close to close but which alerts are open.

Readings
- The closes of a run are those after its beginning, up to and including the last instant: the clock
  fires a close on reaching it.
- Fewer than 10 clears as `sample_too_small` even where the rate has also reached its threshold.
- An open alert whose subject has no counted line any more (0 in the denominator) is cleared so too.
- An alert that stays open keeps the figure at raising.
- A small sample has 1 to 9 in the denominator and lies below the threshold at that close; whether an
  alert of the same subject was cleared at that very close does not matter.
- A bureau sees an alert by the lines of the figure at raising, not by those of later closes.
- `A3.3-feedback` looks at openings, not at a rate: see `concentrated`.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tests.oracle.calendar import due_day, end_of, local_day
from tests.oracle.figures import selected, subject_of
from tests.oracle.knowing import stories_at
from tests.oracle.orders import Orders
from tests.oracle.outcomes import counted, due_day_of
from tests.oracle.ratios import Rate
from tests.oracle.windows import window

KINDS = ("product", "manufacturer", "distributor")
PROVINCE = "360000"
SMALLEST_SAMPLE = 10


@dataclass(frozen=True)
class Rule:
    """A rate rule: which rate, and the percent below which it speaks."""

    name: str
    rate: str
    threshold: int


RULES = (Rule("A3.3-response", "response", 95), Rule("A3.3-on-time", "on_time", 90))

Key = tuple[Rule, str, str]


@dataclass
class Alert:
    """One alert from its raising to its clearing."""

    rule: str
    subject: str
    subject_id: str
    raised_at: datetime
    figure: Rate
    threshold: int
    cleared_at: datetime | None = None
    cleared_because: str | None = None
    scope: str = PROVINCE
    tickets: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """Open until it is cleared."""
        return "cleared" if self.cleared_at else "open"


@dataclass(frozen=True)
class SmallSample:
    """A figure below its threshold that is too small to alert."""

    rule: str
    subject: str
    subject_id: str
    day: date
    figure: Rate
    threshold: int
    scope: str = PROVINCE


def closing_days(since: datetime, until: datetime) -> Iterator[date]:
    """Every local day whose 24:00 lies after the beginning and not after the end."""
    day = local_day(since)
    while end_of(day) <= until:
        if end_of(day) > since:
            yield day
        day += timedelta(days=1)


def figures_at_close(model: Orders, day: date) -> dict[Key, Rate]:
    """The rate of every subject with a counted line in the window, on the facts of that close."""
    first, last = window("30d", day)
    hits: Counter[Key] = Counter()
    lines: Counter[Key] = Counter()
    for story in stories_at(model, end_of(day)):
        for line in filter(selected, story.lines.values()):
            for rule in RULES:
                share = counted(story, line, rule.rate)
                if share is None or not first <= due_day_of(line, rule.rate) <= last:
                    continue
                for kind in KINDS:
                    key = rule, kind, subject_of(line, kind)
                    hits[key] += share.numerator
                    lines[key] += share.denominator
    return {key: Rate(hits[key], lines[key]) for key in lines}


def alerts(model: Orders, since: datetime, until: datetime) -> list[Alert]:
    """Every alert raised by the closes of a run, in order of raising."""
    model.advance(until)
    told: list[Alert] = []
    still_open: dict[Key, Alert] = {}
    for day in closing_days(since, until):
        found = figures_at_close(model, day)
        for key in sorted(found.keys() | still_open.keys(), key=by_name):
            rule, kind, one = key
            rate = found.get(key, Rate(0, 0))
            enough = rate.denominator >= SMALLEST_SAMPLE
            holds = enough and rate.below(rule.threshold)
            if key in still_open and not holds:
                alert = still_open.pop(key)
                alert.cleared_at = end_of(day)
                alert.cleared_because = "recovered" if enough else "sample_too_small"
            elif holds and key not in still_open:
                alert = Alert(rule.name, kind, one, end_of(day), rate, rule.threshold)
                still_open[key] = alert
                told.append(alert)
    return told


def divisions_of(model: Orders, alert: Alert) -> set[str]:
    """Where the lines of the figure at raising come from: whose bureaus see the alert."""
    rule = next(rule for rule in RULES if rule.name == alert.rule)
    first, last = window("30d", due_day(alert.raised_at))
    return {
        line.known["division"]
        for story in stories_at(model, alert.raised_at)
        for line in filter(selected, story.lines.values())
        if subject_of(line, alert.subject) == alert.subject_id
        and counted(story, line, rule.rate)
        and first <= due_day_of(line, rule.rate) <= last
    }


def small_samples(model: Orders, day: date) -> list[SmallSample]:
    """The figures of one close that lie below their threshold with 1 to 9 in the denominator."""
    model.advance(end_of(day))
    return [
        SmallSample(rule.name, kind, one, day, rate, rule.threshold)
        for (rule, kind, one), rate in sorted(
            figures_at_close(model, day).items(), key=lambda item: by_name(item[0])
        )
        if 0 < rate.denominator < SMALLEST_SAMPLE and rate.below(rule.threshold)
    ]


def by_name(key: Key) -> tuple[str, str, str]:
    """Rule, kind, id: an order that says nothing."""
    rule, kind, one = key
    return rule.name, kind, one

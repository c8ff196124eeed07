"""Checks of the logs and of what stands on the topics (日志与主题核对). Pure."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from shared.events.topics import ALERTS_OPEN, MARK_TYPE
from tests.chaos.history.evidence import Row
from tests.chaos.topics_read import Seen, first_sightings

OF_ITS_TIME = frozenset({"orders", "feedback"})
"""The logs in which facts are dated when they are recorded: others date them by their cause."""


def nothing_twice(rows: Iterable[Row]) -> Iterator[str]:
    """No identity twice in any log."""
    counts = Counter((row.log, *row.identity) for row in rows)
    for identity, count in counts.items():
        if count > 1:
            yield f"{identity} stands {count} times"


def versions_are_gapless(rows: Iterable[Row]) -> Iterator[str]:
    """In the order of commits each stream counts 1, 2, 3, and its positions and instants rise."""
    last: dict[tuple[str, str], Row] = {}
    for row in rows:
        before = last.get((row.log, row.stream))
        expected = 1 if before is None else before.version + 1
        if row.version != expected:
            yield f"{row.log} {row.stream}: version {row.version} where {expected} was due"
        if before is not None and row.position <= before.position:
            yield f"{row.log} {row.stream}: version {row.version} stands at a lower position"
        if before is not None and row.log in OF_ITS_TIME and row.recorded_at < before.recorded_at:
            yield (
                f"{row.log} {row.stream}: version {row.version} was recorded at {row.recorded_at}, "
                f"before version {before.version} at {before.recorded_at}"
            )
        last[row.log, row.stream] = row


def marks_divide(rows: Iterable[Row]) -> Iterator[str]:
    """Marks rise, and a fact behind a mark is not dated before it, nor one in front behind it."""
    marks: dict[str, datetime] = {}
    latest: dict[str, datetime] = {}
    for row in rows:
        if row.log not in OF_ITS_TIME:
            continue
        mark = marks.get(row.log)
        if row.type == MARK_TYPE:
            if mark is not None and row.occurred_at <= mark:
                yield f"{row.log}: the mark of {row.occurred_at} stands behind that of {mark}"
            if row.log in latest and latest[row.log] > row.occurred_at:
                yield f"{row.log}: a fact of {latest[row.log]} before the mark {row.occurred_at}"
            marks[row.log] = row.occurred_at
        else:
            if mark is not None and row.recorded_at < mark:
                yield f"{row.log} {row.identity}: recorded at {row.recorded_at} behind mark {mark}"
            latest[row.log] = max(latest.get(row.log, row.recorded_at), row.recorded_at)


def topics_tell_the_log(rows: Iterable[Row], seen: Sequence[Seen]) -> Iterator[str]:
    """What a log holds stands on its topic with the same words, and nothing else does."""
    logged = {(row.topic, *row.identity): row for row in rows if row.topic}
    told: dict[tuple[str, str, str], Seen] = {}
    for one in first_sightings(seen):
        if one.topic != ALERTS_OPEN and ".dead." not in one.topic:
            told[one.topic, *one.identity] = one
    for identity, row in logged.items():
        there = told.get(identity)
        if there is None:
            yield f"{identity} stands in the log of {row.log} and on no topic"
        elif there.value is None or json.loads(there.value) != json.loads(row.fact):
            yield f"{identity} says something else on its topic"
    for identity in told:
        if identity not in logged:
            yield f"{identity} stands on a topic and in no log"


def keys_are_in_order(seen: Sequence[Seen]) -> Iterator[str]:
    """At first sightings the versions of a key rise, all of them in one partition."""
    versions: dict[tuple[str, bytes], list[int]] = defaultdict(list)
    places: dict[tuple[str, bytes], set[int]] = defaultdict(set)
    for one in first_sightings(seen):
        if one.topic != ALERTS_OPEN:
            versions[one.topic, one.key].append(one.version)
            places[one.topic, one.key].add(one.partition)
    for key, found in versions.items():
        if found != sorted(set(found)):
            yield f"{key} is out of order on its topic: {found}"
        if len(places[key]) > 1:
            yield f"{key} stands in partitions {sorted(places[key])}"


def alerts_are_raised_once(rows: Iterable[Row]) -> Iterator[str]:
    """Between two raisings of one rule for one subject stands a clearing."""
    open_: dict[tuple[str, ...], str] = {}
    subjects: dict[str, tuple[str, ...]] = {}
    for row in sorted(
        (row for row in rows if row.log == "alerts"),
        key=lambda row: (row.occurred_at, row.position),
    ):
        if row.type == "jicai.alert.raised.v1":
            subject = tuple(
                str(row.data.get(name)) for name in ("rule", "subject", "subject_id", "scope")
            )
            if subject in open_:
                yield f"{subject} was raised again while {open_[subject]} is open"
            open_[subject] = row.stream
            subjects[row.stream] = subject
        elif row.type == "jicai.alert.cleared.v1":
            subject = subjects.get(row.stream, ())
            if open_.pop(subject, None) != row.stream:
                yield f"{row.stream} was cleared and not open"

"""Plays a story against a sandbox: moves its clock and posts what everyone posts, hour by hour.

An hour is one step: the clock goes to its last instant, then its facts are posted, those of one
actor in one request, after them what is done with tickets, one by one, and last the errands of
clerks. What one order's parties tell each other keeps its order; strangers do not wait for one another.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from heapq import merge
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from jicai.client import Jicai, Problem
from jicai.province.facts import Act, Errand, Moment
from jicai.province.report import PlayReport
from jicai.province.story import Story

__all__ = ["PlayReport", "StoryInThePast", "go_on", "play"]

Json = dict[str, Any]
PROVINCE = "bureau:360000"
POSTERS = 4
WEEKDAYS = "一二三四五六日"


class StoryInThePast(Exception):
    """The sandbox's clock stands after the story's first instant, and cannot go back."""

    def __init__(self, now: datetime, begins_at: datetime) -> None:
        super().__init__(
            f"the sandbox's clock shows {now:%Y-%m-%d %H:%M}, the story begins "
            f"{begins_at:%Y-%m-%d %H:%M}: start a sandbox with --now at or before that"
        )


def play(
    client: Jicai,
    story: Story,
    console: Console | None = None,
    *,
    errands: Sequence[Errand] = (),
    step: timedelta = timedelta(hours=1),
) -> PlayReport:
    """Plays the whole story and leaves the clock at the 24:00 of its last day, all caught up.

    Of the errands it runs those that lie within the story; `go_on` runs the rest.
    """
    begun = time.monotonic()
    report = PlayReport()
    province = client.as_actor(PROVINCE)
    now = province.clock()
    if now > story.begins_at:
        raise StoryInThePast(now, story.begins_at)
    with _progress(console) as progress, ThreadPoolExecutor(POSTERS) as posters:
        task = progress.add_task("基础数据", total=len(story.reference))
        for path, body in story.reference:
            province.put(path, body)
            progress.advance(task)
        task = progress.add_task("订单、配送与反馈", total=len(story.moments) + len(story.acts))
        for told in _steps(story, [one for one in errands if one.instant < story.ends_at], step):
            instant = told[-1].instant
            province.clock(instant)
            progress.update(task, description=_shown(instant))
            for wave in _waves([one for one in told if isinstance(one, Moment)]):
                for results in posters.map(lambda post: _post(client, *post), wave.items()):
                    report.count(results)
            report.acts.update(_act(client, one) for one in told if isinstance(one, Act))
            for errand in [one for one in told if isinstance(one, Errand)]:
                progress.update(task, description=errand.label)
                _run(client, errand, report)
            progress.advance(task, sum(not isinstance(one, Errand) for one in told))
        province.clock(story.ends_at)
        province.settle()
    report.seconds = time.monotonic() - begun
    return report


def go_on(
    client: Jicai,
    errands: Sequence[Errand],
    until: datetime,
    report: PlayReport,
    console: Console | None = None,
) -> None:
    """Nobody orders any more: the days pass until `until`, and clerks run the errands left."""
    province = client.as_actor(PROVINCE)
    now = province.clock()
    left = [one for one in errands if now <= one.instant <= until]
    with _progress(console) as progress:
        task = progress.add_task("结算", total=(until - now).days + len(left) + 1)
        for instant, errand in _days_and(left, now, until):
            progress.update(task, description=errand.label if errand else _shown(instant))
            province.clock(instant)
            if errand:
                _run(client, errand, report)
            progress.advance(task)
        province.settle()


def _days_and(
    errands: Sequence[Errand], now: datetime, until: datetime
) -> Iterator[tuple[datetime, Errand | None]]:
    """Each 24:00 and each errand in the order of time, and the end."""
    days = [(now + timedelta(days=n), None) for n in range(1, (until - now).days + 1)]
    own = [(one.instant, one) for one in errands]
    yield from merge(days, own, key=lambda one: one[0])
    yield until, None


def _run(client: Jicai, errand: Errand, report: PlayReport) -> None:
    client.settle()
    report.errands.setdefault(errand.label, Counter()).update(errand.do(client))


def _steps(
    story: Story, errands: Sequence[Errand], step: timedelta
) -> Iterator[list[Moment | Act | Errand]]:
    told: Iterator[Moment | Act | Errand] = merge(
        story.moments, story.acts, errands, key=lambda one: one.instant
    )
    for _, ones in groupby(told, key=lambda one: (one.instant - story.begins_at) // step):
        yield list(ones)


def _waves(moments: Sequence[Moment]) -> list[dict[str, list[Json]]]:
    """Events by actor, in waves: a wave is posted when the one before it has been answered.

    An order's next speaker goes into a later wave than its last one, and nobody's own events
    overtake each other.
    """
    waves: list[dict[str, list[Json]]] = []
    last_of_order: dict[str, tuple[int, str]] = {}
    last_of_actor: dict[str, int] = {}
    for moment in moments:
        wave, speaker = last_of_order.get(moment.order_id, (0, moment.actor))
        wave = max(wave + (speaker != moment.actor), last_of_actor.get(moment.actor, 0))
        if wave == len(waves):
            waves.append({})
        waves[wave].setdefault(moment.actor, []).extend(moment.events)
        last_of_order[moment.order_id] = (wave, moment.actor)
        last_of_actor[moment.actor] = wave
    return waves


def _post(client: Jicai, actor: str, events: list[Json]) -> list[Json]:
    return client.as_actor(actor).post_events(events)


def _act(client: Jicai, act: Act) -> str:
    """A refusal is an answer like another: people try what the rules do not allow."""
    try:
        client.as_actor(act.actor).post(act.path, act.words)
    except Problem as problem:
        return problem.code
    return "accepted"


def _shown(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d} 周{WEEKDAYS[instant.weekday()]} {instant:%H}时"


def _progress(console: Console | None) -> Progress:
    return Progress(
        TextColumn("{task.description:<22}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=console is None,
    )

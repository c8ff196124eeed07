"""Plays a story against a sandbox: moves its clock and posts what everyone posts, hour by hour.

An hour is one step: the clock goes to its last instant, then its facts are posted, those of one
actor in one request, and after them what is done with tickets, one by one. What one order's parties
tell each other keeps its order; strangers do not wait for one another.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import merge
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from jicai.client import Jicai, Problem
from jicai.province.facts import Act, Moment
from jicai.province.story import Story

__all__ = ["PlayReport", "StoryInThePast", "play"]

Json = dict[str, Any]
PROVINCE = "bureau:360000"
POSTERS = 4
SHOWN_REJECTIONS = 20
WEEKDAYS = "一二三四五六日"


class StoryInThePast(Exception):
    """The sandbox's clock stands after the story's first instant, and cannot go back."""

    def __init__(self, now: datetime, begins_at: datetime) -> None:
        super().__init__(
            f"the sandbox's clock shows {now:%Y-%m-%d %H:%M}, the story begins "
            f"{begins_at:%Y-%m-%d %H:%M}: start a sandbox with --now at or before that"
        )


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


def play(
    client: Jicai,
    story: Story,
    console: Console | None = None,
    *,
    step: timedelta = timedelta(hours=1),
) -> PlayReport:
    """Plays the whole story and leaves the clock at the 24:00 of its last day, all caught up."""
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
        for told in _steps(story, step):
            instant = told[-1].instant
            province.clock(instant)
            progress.update(task, description=_shown(instant))
            for wave in _waves([one for one in told if isinstance(one, Moment)]):
                for results in posters.map(lambda post: _post(client, *post), wave.items()):
                    report.count(results)
            report.acts.update(_act(client, one) for one in told if isinstance(one, Act))
            progress.advance(task, len(told))
        province.clock(story.ends_at)
        province.settle()
    report.seconds = time.monotonic() - begun
    return report


def _steps(story: Story, step: timedelta) -> Iterator[list[Moment | Act]]:
    told: Iterator[Moment | Act] = merge(story.moments, story.acts, key=lambda one: one.instant)
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

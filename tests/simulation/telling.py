"""A story in words (叙述): what somebody reads who has to mend what it broke."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from services.feedback.commands import Reply
from shared.kernel.clock import local_text
from tests.simulation.bus import LOST, SENT
from tests.simulation.ground import STARTS
from tests.simulation.steps import (
    Announce,
    Clerk,
    Close,
    Hold,
    Move,
    Post,
    Relay,
    Resend,
    Step,
    Story,
    Take,
    Wait,
    Wake,
)


def words_of(story: Story) -> Iterator[str]:
    """One line a step, in the order in which it happens."""
    start, steps = story
    posted: list[str] = []
    yield f"It is {local_text(STARTS[start])}."
    for number, step in enumerate(steps, 1):
        if isinstance(step, Post):
            posted.append(step.event_id)
        yield f"{number:3}. {_words(step, posted)}{_death(step)}"
    yield "     Then fair weather: all is sent, nine days pass, all is read, what is drafted is paid."


def _words(step: Step, posted: list[str]) -> str:
    match step:
        case Post():
            return _posted(step)
        case Resend(number, changed):
            how = ", with other content" if changed else ""
            what = posted[number % len(posted)] if posted else "nothing"
            return f"{what} is sent again{how}"
        case Wait(minutes, to):
            until = {"due": "to the next due", "mark": "to the next mark", "": ""}[to]
            more = f"{minutes} minutes" if minutes else ""
            return f"time goes on {' and '.join(x for x in (until, more) if x)}"
        case Wake(log):
            return f"the worker of {log} wakes"
        case Announce(ahead):
            return f"a notice changes the day {ahead} days ahead: free if worked, worked if free"
        case Relay(log, count, fate, arrived):
            ends = {SENT: "taken", LOST: "lost"}.get(fate, f"unacknowledged by {arrived:04b}")
            return f"the relay of {log} sends {count}: {ends}"
        case Take(group, member, limit, _, asleep):
            how = " and falls asleep with it in hand" if asleep else ""
            return f"process {member} of {group} takes up to {limit}{how}"
        case Close(group):
            return f"{group} runs its closes"
        case Move(group, partition, member):
            return f"partition {partition} of {group} goes to process {member}"
        case Hold(partition, back):
            return f"partition {partition} is {'held back' if back else 'let go'}"
        case Clerk(number, done):
            return f"statement {number}: {done}"
    raise TypeError(f"{step!r} is no step")


def _posted(step: Post) -> str:
    command = step.command
    if isinstance(command, tuple):
        what = f" of {command[0]}"
        if command[1] is Reply:
            what += f", promising in {step.hours} hours"
    else:
        what = f": {_brief(command)}"
    age = f", {step.age} late" if step.age else ""
    waits = " (waits for the next)" if step.waits else ""
    return f"{step.sender} posts {step.event_id}{age}{waits}{what}"


def _brief(value: Any) -> str:
    """What a command says, without texts that say it twice and without what it leaves out."""
    if isinstance(value, list):
        return "[" + "; ".join(map(_brief, value)) + "]"
    if not is_dataclass(value):
        return str(value)
    said = ((one.name, getattr(value, one.name)) for one in fields(value))
    return ", ".join(
        f"{name} {_brief(what)}"
        for name, what in said
        if what not in (None, False, [], ()) and not name.endswith("_sent")
    )


def _death(step: Step) -> str:
    crash = getattr(step, "crash", None)
    if crash is None:
        return ""
    return " - and dies before the commit" if crash == "before" else " - and dies after the commit"

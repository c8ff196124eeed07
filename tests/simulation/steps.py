"""The steps of a story, as values drawn before it runs (步骤): what happens, to whom, and who dies of it.

A step names what it is about by fixed ids, so that any part of a list of steps is a story too: an act
on an order that nobody placed is refused, and that is all.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple


class Post(NamedTuple):
    """Somebody sends an event; `waits`: it goes in one batch with the next."""

    event_id: str
    type: str
    sender: str
    command: Any
    age: timedelta = timedelta()
    hours: int = 0
    crash: str | None = None
    waits: bool = False


class Resend(NamedTuple):
    """A sender posts again what it posted before; `changed`: other content under the same id."""

    number: int
    changed: bool = False
    crash: str | None = None


class Wait(NamedTuple):
    """Time goes on: so many minutes, or `to` an instant that matters."""

    minutes: int = 0
    to: str = ""


class Wake(NamedTuple):
    """The worker of a log wakes and fires what is due."""

    log: str
    crash: str | None = None


class Announce(NamedTuple):
    """The province announces the year anew: of the day so many days ahead the contrary holds."""

    ahead: int


class Relay(NamedTuple):
    """A relay sends the next stretch of its log."""

    log: str
    count: int
    fate: str
    arrived: int = 0


class Take(NamedTuple):
    """A process of a group takes a batch; `asleep`: it falls asleep with the batch in hand."""

    group: str
    member: int
    limit: int
    crash: str | None = None
    asleep: bool = False


class Close(NamedTuple):
    """A process runs the closes that are complete."""

    group: str
    crash: str | None = None


class Move(NamedTuple):
    """A partition changes its owner."""

    group: str
    partition: int
    member: int


class Hold(NamedTuple):
    """A partition is held back, or let go."""

    partition: int
    back: bool


class Clerk(NamedTuple):
    """A clerk, or the bank, does the next thing with a statement."""

    number: int
    step: str
    crash: str | None = None


Step = Post | Resend | Wait | Wake | Announce | Relay | Take | Close | Move | Hold | Clerk
Story = tuple[int, list[Step]]
"""Where it begins, and what happens."""

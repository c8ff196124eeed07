"""What a service says about itself; the frame builds the rest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter

from shared.events.envelope import Record

Fold = Callable[[Any, Sequence[Record], Any], Awaitable[None]]
"""`(tx, records, room)`: takes a batch into tables in the caller's transaction; any order, any repeat."""

Close = Callable[[Any, datetime, Any], Awaitable[None]]
"""`(tx, at, room)`: runs the close of one instant, on exactly the facts before it."""

MakeKit = Callable[[Any, Any, Any], Any]
"""`(policy, calendars, time)`: the kit of a service that decides."""


Narrow = Callable[[Any, Any, Sequence[dict[str, Any]]], Awaitable[list[dict[str, Any]]]]
"""`(connection, actor, items)`: a page of the feed with only what this caller may read of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One room: its doors, what it listens to, and what it does with it.

    `marks` says that it takes facts from outside, so that its log gets closing marks; `migrations`
    is the package whose `sql` folder holds its tables.
    """

    name: str
    router: APIRouter
    migrations: str
    topics: tuple[str, ...] = ()
    fold: Fold | None = None
    close: Close | None = None
    kit: MakeKit | None = None
    marks: bool = False
    narrow: Narrow | None = None

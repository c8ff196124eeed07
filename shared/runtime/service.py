"""What a service says about itself; the frame builds the rest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter

from shared.events.envelope import Record
from shared.store.twins import Table

Fold = Callable[[Any, Sequence[Record], Any], Awaitable[None]]
"""`(tx, records, room)`: takes a batch into tables in the caller's transaction; any order, any repeat."""

Close = Callable[[Any, datetime, Any], Awaitable[bool]]
"""`(tx, at, room)`: one step of the close of an instant, on exactly the facts before it; True when
nothing is left to do. A long close goes in steps of about a second, each a transaction, and each
finds out anew what is left: the partitions stay held, so it is the same facts again."""

Watch = Callable[[Any], Awaitable[Mapping[str, str]]]
"""`(room)`: looks now and then whether something is amiss that no request and no fold would meet;
what it found, by name, for people to read."""

Round = Callable[[Any], Awaitable[bool]]
"""`(room)`: what is done behind the writers, about once a second, by whichever replica comes first;
True when it wrote something. The sandbox does it whenever it waits until all is quiet."""

Kept = Callable[[Record], Sequence[tuple[str, bytes | None]]]
"""What a fact means to the compacted topics: `(topic, value)` under its own key, None = tombstone."""

MakeKit = Callable[[Any, Any, Any], Any]
"""`(policy, calendars, time)`: the kit of a service that decides."""


Narrow = Callable[[Any, Any, Sequence[dict[str, Any]]], Awaitable[list[dict[str, Any]]]]
"""`(connection, actor, items)`: a page of the feed, of each item only what this caller may read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadModel:
    """Tables that only repeat what others' facts say (读模型): they may be made anew at any time.

    `fold` takes a batch into them and does nothing else: it tells nobody anything. `tables` stand in
    the order in which folds write them. `shadows` are tables that it asks and must find empty. `settle`
    takes away what our own closes have taken from the standing tables, before they are compared.
    """

    fold: Callable[[Any, Sequence[Record]], Awaitable[None]]
    tables: tuple[Table, ...]
    shadows: tuple[str, ...] = ()
    settle: Callable[[Any], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One room: its doors, what it listens to, and what it does with it.

    `marks` says that it takes facts from outside, so that its log gets closing marks; `migrations`
    is the package whose `sql` folder holds its tables. `event_doors` are the paths that take facts:
    an event's own id does what an Idempotency-Key does elsewhere.
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
    event_doors: tuple[str, ...] = ()
    kept: Kept | None = None
    watch: Watch | None = None
    each_round: Round | None = None
    read_model: ReadModel | None = None

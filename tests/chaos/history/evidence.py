"""What is looked at when everything is quiet again (证据): the parties' words, the logs, the rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.chaos.history.journal import Entry
from tests.chaos.topics_read import Seen

Identity = tuple[str, str]
"""Source and id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fact as it stands in a log."""

    log: str
    xid: int
    position: int
    topic: str
    stream: str
    version: int
    source: str
    event_id: str
    type: str
    occurred_at: datetime
    recorded_at: datetime
    data: Any
    fact: bytes

    @property
    def identity(self) -> Identity:
        return self.source, self.event_id


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One entry with its postings: account, debit, credit."""

    key: str
    postings: Sequence[tuple[str, int, int]]


@dataclass(slots=True)
class Words:
    """What the parties sent and were told."""

    made: dict[Identity, Entry] = field(default_factory=dict)
    answers: dict[Identity, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    unknown: dict[Identity, int] = field(default_factory=lambda: defaultdict(int))
    forged: list[Entry] = field(default_factory=list)
    """Answers to an old id with other content."""
    odd: list[Entry] = field(default_factory=list)
    """Answers that nobody should ever get."""
    done: list[Entry] = field(default_factory=list)
    """Acts through other doors that were answered with success."""

    def is_accepted(self, identity: Identity) -> bool:
        """Whether anybody was ever told so."""
        return any(a["status"] in ("accepted", "duplicate") for a in self.answers[identity])


def words_of(entries: Iterable[Entry]) -> Words:
    """Sort what stands in the journals; an event is made in the journal in which it is answered."""
    words = Words()
    sources: dict[str, str] = {}
    for entry in entries:
        match entry["what"]:
            case "made":
                event = entry["event"]
                sources[event["id"]] = event["source"]
                words.made[event["source"], event["id"]] = event
            case "answer" if entry["forged"]:
                words.forged.append(entry)
            case "answer":
                words.answers[sources[entry["id"]], entry["id"]].append(entry)
            case "unknown":
                for id_ in entry["ids"]:
                    words.unknown[sources[id_], id_] += 1
            case "odd":
                words.odd.append(entry)
            case "done":
                words.done.append(entry)
    return words


@dataclass(slots=True)
class Quiet:
    """How the house stands after the drain."""

    not_ready: dict[str, str] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)
    """What was asked for, again and again, and never answered."""
    lags: dict[str, int] = field(default_factory=dict)
    """What is still to be read, by consumer or relay and topic."""
    held: dict[str, int] = field(default_factory=dict)
    """Partitions that wait for a close, by service."""
    parked: dict[str, int] = field(default_factory=dict)
    idle_in_transaction: int = 0
    unstepped: list[Any] = field(default_factory=list)
    """Tickets that are due and have no step."""
    verified: Any = None
    """What the ledger says of itself."""
    hung: list[str] = field(default_factory=list)
    """Who did not end in good order when told."""


Tables = dict[str, list[tuple[Any, ...]]]
"""Rows by `schema.table`, sorted."""


@dataclass(slots=True)
class Evidence:
    """Everything the checker judges by."""

    words: Words
    rows: list[Row]
    """All logs, each in the order of its commits."""
    seen: list[Seen]
    """All topics as a plain client reads them."""
    noisy: Tables
    """The read models as the faults left them."""
    quiet: Tables
    """The same from a second reader of the logs whom nobody disturbed."""
    entries: list[LedgerEntry]
    claims: list[tuple[str, ...]]
    """Receipt and return lines that stand in a statement, by what they claim."""
    standing: Quiet

"""Faults planted in a sound history, by the promise that each breaks (植入错误)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.chaos.history.evidence import Evidence, LedgerEntry, words_of
from tests.chaos.history.sound import (
    ANSWERED,
    HOSPITAL,
    HOUR,
    REFUSED,
    alert,
    answer,
    event,
    journal,
    mark,
    row,
    seen_of,
)

Plant = Callable[[Evidence], None]


def told(found: Evidence, *entries: dict[str, Any]) -> None:
    found.words = words_of([*journal(), *entries])


def _put(found: Evidence, place: int, **changed: Any) -> None:
    """Another row in the place of this one."""
    found.rows[place] = replace(found.rows[place], **changed)


def lost(found: Evidence) -> None:
    """The acknowledged answer of the distributor is gone, from log and topic."""
    gone = found.rows.pop(2)
    found.seen = [one for one in found.seen if one.identity != gone.identity]


def double(found: Evidence) -> None:
    found.rows.append(row("orders", 4, "order-o1", 3, ANSWERED))


def refused_and_there(found: Evidence) -> None:
    found.rows.append(row("orders", 4, "order-o1", 3, REFUSED))


def never_made(found: Evidence) -> None:
    found.rows.append(row("orders", 4, "order-o1", 3, event(HOSPITAL, "o1-9", "t")))


def other_content(found: Evidence) -> None:
    _put(found, 0, data={"order_id": "o1", "said": "something else"})


def accepted_twice(found: Evidence) -> None:
    told(found, answer("o1-1", "accepted", position=1))


def two_positions(found: Evidence) -> None:
    told(found, answer("o1-1", "duplicate", position=7))


def taken_and_refused(found: Evidence) -> None:
    told(found, answer("o1-1", "rejected", code="malformed"))


def never_answered(found: Evidence) -> None:
    told(found, {"what": "made", "event": event(HOSPITAL, "o1-8", "t")})


def forgery_taken(found: Evidence) -> None:
    told(found, {**answer("o1-1", "duplicate", position=1), "forged": True})


def server_error(found: Evidence) -> None:
    told(found, {"what": "odd", "status": 500, "text": "Internal Server Error"})


def act_lost(found: Evidence) -> None:
    told(found, {"what": "done", "act": "reply", "ticket": "t1"})


def opened_twice(found: Evidence) -> None:
    opened = event(HOSPITAL, "t1-again", "jicai.ticket.opened.v1")
    found.rows.append(row("feedback", 2, "ticket-t1", 2, opened))


def swapped_versions(found: Evidence) -> None:
    found.rows[0], found.rows[2] = found.rows[2], found.rows[0]


def gap(found: Evidence) -> None:
    _put(found, 2, version=3)


def stepped_back(found: Evidence) -> None:
    """Dated before the version in front of it, though behind every mark."""
    del found.rows[1]
    _put(found, 1, recorded_at=found.rows[0].recorded_at - HOUR)


def dated_before_the_mark(found: Evidence) -> None:
    _put(found, 2, stream="order-o2", version=1, recorded_at=found.rows[1].occurred_at - HOUR)


def late_mark(found: Evidence) -> None:
    found.rows.insert(3, mark("orders", 2, 2))


def not_published(found: Evidence) -> None:
    found.seen.pop(0)


def published_otherwise(found: Evidence) -> None:
    found.seen[0] = replace(found.seen[0], value=b'{"said": "something else"}')


def published_alone(found: Evidence) -> None:
    found.seen.append(seen_of(row("orders", 9, "order-o9", 1, REFUSED), 99))


def overtaken(found: Evidence) -> None:
    found.seen[0], found.seen[1] = found.seen[1], found.seen[0]


def in_two_partitions(found: Evidence) -> None:
    found.seen[1] = replace(found.seen[1], partition=5)


def raised_again(found: Evidence) -> None:
    found.rows.append(alert(4, 1, "raised", "alert-a3"))


def cleared_twice(found: Evidence) -> None:
    found.rows.append(alert(4, 3, "cleared"))


def a_row_too_many(found: Evidence) -> None:
    found.noisy["alerts.lines"] *= 2


def a_row_missing(found: Evidence) -> None:
    found.noisy["alerts.lines"] = []


def nothing_read(found: Evidence) -> None:
    found.noisy, found.quiet = {}, {}


def unbalanced(found: Evidence) -> None:
    found.entries[0] = LedgerEntry("approval-s1", [("receivable", 500, 0), ("payable", 0, 499)])


def unverified(found: Evidence) -> None:
    found.standing.verified = {"ok": False, "first_bad": "e1"}


def not_asked(found: Evidence) -> None:
    found.standing.verified = None


def posted_twice(found: Evidence) -> None:
    found.entries.append(found.entries[0])


def never_posted(found: Evidence) -> None:
    del found.entries[1]


def claimed_twice(found: Evidence) -> None:
    found.claims.append(("2", "o1", "r1", "L1", ""))


def lag(found: Evidence) -> None:
    found.standing.lags["alerts jicai.orders.v1"] = 3


def held(found: Evidence) -> None:
    found.standing.held["alerts"] = 1


def parked(found: Evidence) -> None:
    found.standing.parked["alerts"] = 1


def not_ready(found: Evidence) -> None:
    found.standing.not_ready["orders"] = "database"


def never_told(found: Evidence) -> None:
    found.standing.unanswered.append("/feedback/v1/tickets/t1/reply (503)")


def idle(found: Evidence) -> None:
    found.standing.idle_in_transaction = 1


def forgotten_ticket(found: Evidence) -> None:
    found.standing.unstepped.append({"ticket_id": "t1"})


def hangs(found: Evidence) -> None:
    found.standing.hung.append("alerts")


def nothing_said(found: Evidence) -> None:
    found.words = words_of([])


FAULTS: dict[str, tuple[Plant, ...]] = {
    "said enough": (nothing_said,),
    "told is true": (lost, double, refused_and_there, never_made, other_content),
    "answers agree": (
        accepted_twice, two_positions, taken_and_refused, never_answered, forgery_taken,
        server_error,
    ),
    "acts stand": (act_lost, opened_twice),
    "nothing twice": (double,),
    "versions gapless": (swapped_versions, gap, stepped_back),
    "marks divide": (dated_before_the_mark, late_mark),
    "topics tell the log": (not_published, published_otherwise, published_alone),
    "keys in order": (overtaken, in_two_partitions),
    "alerts once": (raised_again, cleared_twice),
    "models are folds": (a_row_too_many, a_row_missing, nothing_read),
    "books balance": (unbalanced, unverified, not_asked, posted_twice),
    "money once": (never_posted, posted_twice),
    "claimed once": (claimed_twice,),
    "nobody stuck": (lag, held, parked, not_ready, idle, forgotten_ticket, hangs, never_told),
}  # fmt: skip

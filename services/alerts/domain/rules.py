"""All that may happen to an alert, a list or a publication: the decider of alerts (预警规则)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from services.alerts.commands import Acknowledge, IssuePublication, ReceiveList
from services.alerts.domain.alert import acknowledged
from services.alerts.domain.late_list import hospitals_of, received
from services.alerts.domain.publication import already_published, published
from shared.events.alerts import (
    LATE_LIST_RECEIVED,
    Alert,
    LateResponseList,
    PublicationIssued,
)
from shared.kernel.decider import Decided, Decider, Sent
from shared.kernel.errors import Refusal


class AlertStream(msgspec.Struct, frozen=True, array_like=True, tag="alert"):
    """A stream that is an alert (预警)."""

    alert: Alert


class ListStream(msgspec.Struct, frozen=True, array_like=True, tag="list"):
    """A stream that is a late-response list (超时未响应清单)."""

    late: LateResponseList


class PublicationStream(msgspec.Struct, frozen=True, array_like=True, tag="publication"):
    """A stream that is a publication (发布): one fact, once."""

    publication: PublicationIssued


State = AlertStream | ListStream | PublicationStream

COLUMNS: Final = {
    "rule": "text",
    "subject": "text",
    "subject_id": "text",
    "raised_at": "timestamptz",
    "cleared_at": "timestamptz",
    "divisions": "text",
    "day": "date",
    "distributor_id": "text",
    "bureau": "text",
    "hospitals": "text",
}
"""What lists and visibility ask of a stream's row: six of an alert, four of a list (查询列)."""

encode: Final = msgspec.json.Encoder().encode
decode: Final = msgspec.json.Decoder(State).decode


def authorise(_state: State | None, _sent: Sent, _world: None) -> None:
    """The door has told 403 and 404 before: who may see an alert is a question to the database."""


def decide(state: State | None, sent: Sent, now: datetime, _world: None) -> Decided:
    """The fact that an act becomes, or a refusal."""
    match state, sent.command:
        case AlertStream(alert=alert), Acknowledge(by=by):
            return acknowledged(alert, by, at=now)
        case ListStream(late=late), ReceiveList(by=by):
            return received(late, by, at=now)
        case None, IssuePublication(publication=one):
            return published(one, at=now)
        case PublicationStream(publication=one), IssuePublication():
            raise already_published(one)
    raise Refusal("not_found", "没有这一预警或清单", "no such alert or list")


def evolve(state: State | None, type_: str, fact: Any) -> State:
    """A fact of an alert is the alert; a list changes by its receipt alone."""
    if isinstance(fact, Alert):
        return AlertStream(fact)
    if isinstance(fact, LateResponseList):
        return ListStream(fact)
    if isinstance(fact, PublicationIssued):
        return PublicationStream(fact)
    if type_ != LATE_LIST_RECEIVED or not isinstance(state, ListStream):
        raise ValueError(f"{type_} is no fact of an alert, a list or a publication")
    late = msgspec.structs.replace(state.late, received_at=fact.received_at, received_by=fact.by)
    return ListStream(late)


def due(_state: State) -> datetime | None:
    """Nothing fires by itself: closes raise, clear and issue."""
    return None


def wake(_state: State, _at: datetime, _world: None) -> Sequence[Decided]:
    """Nothing happens by itself."""
    return []


def columns(state: State) -> tuple[Any, ...]:
    """The row of a stream, as `COLUMNS` names it."""
    if isinstance(state, PublicationStream):
        return (None,) * len(COLUMNS)
    if isinstance(state, AlertStream):
        one = state.alert
        divisions = " ".join(one.divisions)
        mine = (one.rule, one.subject, one.subject_id, one.raised_at, one.cleared_at, divisions)
        return (*mine, None, None, None, None)
    late = state.late
    none = (None,) * 6
    return (*none, late.day, late.distributor_id, late.bureau, hospitals_of(late))


ALERTS_AND_LISTS: Final[Decider[State, None]] = Decider(
    authorise=authorise,
    decide=decide,
    evolve=evolve,
    due=due,
    wake=wake,
    encode=encode,
    decode=decode,
    columns=columns,
)

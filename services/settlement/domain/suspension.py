"""Suspensions of direct settlement (暂停医保基金直接结算): ordered, begun with a day, lifted once. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, get_args

import msgspec

from shared.events import statements as facts
from shared.events.topics import SETTLEMENT
from shared.kernel.clock import day_start
from shared.kernel.codes import is_uscc
from shared.kernel.decider import Decided
from shared.kernel.errors import Refusal, malformed


class SuspensionStream(msgspec.Struct, array_like=True, tag="suspension"):
    """One suspension (暂停)."""

    ordered: facts.SuspensionOrdered
    has_begun: bool = False
    lifted: facts.SuspensionLifted | None = None


class Scope(msgspec.Struct, frozen=True):
    """What is suspended (暂停范围): everything, or what is of a batch, a product, a manufacturer."""

    kind: facts.Scope
    id: str | None = None

    def __str__(self) -> str:
        return self.kind if self.id is None else f"{self.kind}:{self.id}"


def parse_scope(text: str) -> Scope:
    """Read `all`, `batch:<id>`, `product:<id>` or `manufacturer:<uscc>`."""
    kind, colon, id_ = text.partition(":")
    if (text == "all") or (
        kind in get_args(facts.Scope)
        and kind != "all"
        and colon
        and 0 < len(id_) <= 128
        and "\0" not in id_
        and (kind != "manufacturer" or is_uscc(id_))
    ):
        return Scope(kind, id_ or None)  # type: ignore[arg-type] # one of the four by now
    raise malformed(
        "范围应为 all、batch:<批次>、product:<产品> 或 manufacturer:<统一社会信用代码>",
        "scope is all, batch:<id>, product:<id> or manufacturer:<uscc>",
        "/scope",
    )


def stream_of(suspension_id: str) -> str:
    """The stream of one suspension."""
    return f"suspension-{suspension_id}"


def order(
    suspension_id: str,
    payee_id: str | None,
    scope: Scope,
    first_day: date,
    decision: str,
    by: str,
    now: datetime,
) -> Sequence[Decided]:
    """The order as a fact: from the beginning of that day, never earlier than now (暂停决定)."""
    begins_at = max(day_start(first_day), now)
    fact = facts.SuspensionOrdered(
        suspension_id=suspension_id,
        payee_id=payee_id,
        scope=scope.kind,
        scope_id=scope.id,
        first_day=first_day.isoformat(),
        begins_at=begins_at,
        decision=decision,
        at=now,
        by=by,
    )
    ordered = _told(facts.SUSPENSION_ORDERED, fact, payee_id, 1)
    return [ordered, _began(suspension_id, payee_id, now)] if begins_at <= now else [ordered]


def lift(state: SuspensionStream, decision: str, by: str, now: datetime) -> Sequence[Decided]:
    """It is over (解除); one that has not begun never does."""
    if state.lifted is not None:
        if state.lifted.decision == decision:
            return []
        raise Refusal(
            "conflicting_duplicate", "该暂停已按不同的决定解除", "it was lifted by another decision"
        )
    fact = facts.SuspensionLifted(
        suspension_id=state.ordered.suspension_id, decision=decision, at=now, by=by
    )
    place = 3 if state.has_begun else 2
    return [_told(facts.SUSPENSION_LIFTED, fact, state.ordered.payee_id, place)]


def due(state: SuspensionStream) -> datetime | None:
    """When it begins by itself."""
    waits = not state.has_begun and state.lifted is None
    return state.ordered.begins_at if waits else None


def wake(state: SuspensionStream, at: datetime) -> Sequence[Decided]:
    """Its day has begun (生效)."""
    return [_began(state.ordered.suspension_id, state.ordered.payee_id, at)]


def evolve(state: SuspensionStream | None, fact: Any) -> SuspensionStream:
    """The suspension with one more fact in it."""
    if isinstance(fact, facts.SuspensionOrdered):
        return SuspensionStream(fact)
    assert state is not None
    if isinstance(fact, facts.SuspensionBegan):
        state.has_begun = True
    else:
        state.lifted = fact
    return state


def _began(suspension_id: str, payee_id: str | None, at: datetime) -> Decided:
    fact = facts.SuspensionBegan(suspension_id=suspension_id, at=at)
    return _told(facts.SUSPENSION_BEGAN, fact, payee_id, 2)


def _told(type_: str, fact: Any, payee_id: str | None, place: int) -> Decided:
    """A fact of it; the payee may read what is ordered of it."""
    return Decided(
        topic=SETTLEMENT,
        type=type_,
        fact=fact,
        at=fact.at,
        event_id=f"{stream_of(fact.suspension_id)}-{place}",
        data=msgspec.to_builtins(fact),
        distributor_id=payee_id,
    )

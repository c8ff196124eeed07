"""Planted faults (植入的错误): each breaks one promise of the core or of the frame around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from services.alerts.domain.line import LineFacts, Part, absorb
from services.feedback.domain.rules import TICKETS
from services.feedback.domain.ticket import Ticket
from services.feedback.domain.world import World
from services.orders.domain.rules import order_rules
from services.settlement.domain.receipts import InvoiceLine
from shared.events.feedback import Escalated
from shared.kernel.decider import Decided, Sent
from shared.runtime.judging import Batch, Verdict
from tests.simulation.ground import ORDER_TERMS
from tests.simulation.group import Habits
from tests.simulation.wiring import Wiring


def _drops_what_is_late(facts: LineFacts, part: Part) -> LineFacts:
    """A fold that takes only what is newer than all it knows."""
    known = [
        one.version
        for one in (facts.terms, facts.answer, facts.cancel, facts.void, facts.due)
        if one is not None
    ]
    known += [step.version for shipment in facts.shipments for step in shipment.steps]
    new = part.steps[0].version if hasattr(part, "steps") else part.version
    return facts if new < max(known, default=0) else absorb(facts, part)


class _Trusting(Batch[Any, Any]):
    """A duplicate is known by its id alone."""

    def _repeated(self, sent: Sent) -> Verdict | None:
        first = self.known.get((sent.source, sent.event_id))
        return None if first is None else Verdict("duplicate", position=first[1])


class _Forgetful(Batch[Any, Any]):
    """What lies on the stream's own deadlines is left to the worker."""

    def wake(self, name: str, stream: Any, until: datetime) -> None:
        if self.known:
            return
        super().wake(name, stream, until)


def _skips_a_level(ticket: Ticket, at: datetime, world: World) -> Sequence[Decided]:
    return list(_to_the_top(ticket, TICKETS.wake(ticket, at, world)))


def _to_the_top(ticket: Ticket, told: Sequence[Decided]) -> Iterator[Decided]:
    top = ticket.ladder[-1]
    for decided in told:
        if isinstance(decided.fact, Escalated):
            fact = msgspec.structs.replace(decided.fact, to_level=top.level, bureau=top.bureau)
            decided = replace(decided, fact=fact, data=fact)
        yield decided


def _dated_now(ticket: Ticket, at: datetime, world: World) -> Sequence[Decided]:
    """A timer that stands a minute behind its due."""
    late = at + timedelta(minutes=1)
    return [replace(one, at=late) for one in TICKETS.wake(ticket, at, world)]


def _by_arrival(line: InvoiceLine, place: int) -> Any:
    """An invoice counts as often as it is told."""
    return (*line[:3], place)


_EARLY: Final = replace(ORDER_TERMS, void=ORDER_TERMS.void - timedelta(hours=1))

PLANTS: Final = {
    "a fold drops a late fact": Wiring(absorb=_drops_what_is_late),
    "the checkpoint moves before the effect": Wiring(habits=Habits(checkpoint_first=True)),
    "the relay's checkpoint moves before the send": Wiring(relay_checkpoint_first=True),
    "a sleeper is not fenced": Wiring(habits=Habits(fence=False)),
    "a notice is heard before the marks that have passed": Wiring(years_behind_marks=False),
    "no barrier before a close": Wiring(habits=Habits(barrier=False)),
    "a timer fires early": Wiring(orders=order_rules(_EARLY)),
    "a timer is dated behind its due": Wiring(tickets=replace(TICKETS, wake=_dated_now)),
    "a writer leaves what is due to the worker": Wiring(batch=_Forgetful),
    "a duplicate key without its hash": Wiring(batch=_Trusting),
    "an escalation skips a level": Wiring(tickets=replace(TICKETS, wake=_skips_a_level)),
    "an invoice counts as often as it is told": Wiring(invoice_key=_by_arrival),
}

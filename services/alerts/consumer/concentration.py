"""Tickets that crowd on a product are told at once (集中反馈预警): in the transaction that hears of them.

An alert is a fact of our own log, so its locks must come before the fold writes anything. They are
the locks of the products that the batch's openings name: two owners who hear of one product at the
same time take turns, and the second counts what the first has written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from services.alerts.consumer.tickets import HeardTickets, OpenedOn
from services.alerts.domain.alert import raised_on_tickets, stream_of_alert
from services.alerts.domain.concentration import Concentration, Opened, completed, first_day
from services.alerts.domain.rules import State
from services.alerts.policy import ConcentrationRule, concentration_rule
from services.alerts.projections.crowds import alerted_until, last_close, note_tickets, opened_on
from shared.kernel.clock import day_start, local_day
from shared.runtime.handling import Kit
from shared.runtime.judging import Batch
from shared.runtime.recording import behind_locks, record
from shared.runtime.room import Room
from shared.store.parking import streams_parked

_EVER: Final = datetime.min.replace(tzinfo=UTC)


class Watch(NamedTuple):
    """What is held for a batch that opens tickets: the log, and since when openings are told."""

    rule: ConcentrationRule
    since: datetime
    kit: Kit[State, None]
    batch: Batch[State, None]


async def watch(tx: Any, room: Room, heard: HeardTickets) -> Watch | None:
    """Lock what the openings of a batch may raise; first of all, for it may only read before.

    None where there is nothing to tell: a day that is closed is told of no more, so that neither a
    rebuild nor another policy raises what nobody was told then.
    """
    openings = heard.openings
    if not openings:
        return None
    since = _since(await last_close(tx))
    openings = [(product, one) for product, one in openings if one.at >= since]
    if not openings:
        return None
    rule = concentration_rule(room.policy)
    last = max(one.at for _, one in openings)
    locks = _locks(product for product, _ in openings)
    kit, batch = await behind_locks(tx, room, [], last, locks=locks)
    return Watch(rule, since, kit, batch)


async def raise_concentrated(tx: Any, room: Room, watched: Watch | None, opened: OpenedOn) -> None:
    """Raise where an opening completed a crowd and no alert stood at that instant (发出预警)."""
    if watched is None:
        return
    rule = watched.rule
    arriving = {
        product: fresh
        for product, ones in opened.items()
        if (fresh := [one for one in ones if one.at >= watched.since])
    }
    crowds = await _crowds(tx, watched, arriving) if arriving else {}
    if not crowds:
        return
    parked = await streams_parked(tx)
    stood_on = {}
    for product, crowd in crowds.items():
        decided = raised_on_tickets(
            rule,
            product,
            crowd,
            day=local_day(crowd.at),
            policy_version=room.policy.version,
            parked=parked,
        )
        watched.batch.record(stream_of_alert(decided.fact.alert_id), decided)
        stood_on[decided.fact.alert_id] = [one.ticket_id for one in crowd.tickets]
    await record(tx, watched.kit, watched.batch)
    await note_tickets(tx, stood_on)


async def _crowds(tx: Any, watched: Watch, arriving: OpenedOn) -> dict[str, Concentration]:
    rule = watched.rule
    alerted = await alerted_until(tx, rule.id, arriving)
    free = {
        product: (ones, max(watched.since, alerted.get(product) or watched.since))
        for product, ones in sorted(arriving.items())
        if alerted.get(product, watched.since) is not None
    }
    if not free:
        return {}
    days = [local_day(one.at) for ones, _ in free.values() for one in ones]
    ids = [one.ticket_id for ones, _ in free.values() for one in ones]
    known = await opened_on(tx, free, first_day(rule, min(days)), max(days), but=ids)
    found = {}
    for product, (ones, since) in free.items():
        before = [Opened(*one) for one in known.get(product, ())]
        crowd = completed(rule, before, ones, since=since)
        if crowd is not None:
            found[product] = crowd
    return found


def _since(last_close: datetime | None) -> datetime:
    """The beginning of the first day that is not closed."""
    return _EVER if last_close is None else day_start(local_day(last_close))


def _locks(products: Iterable[str]) -> Sequence[str]:
    """At most 256, however many products a batch names: two of them may have to take turns."""
    digests = {blake2b(product.encode(), digest_size=1).hexdigest() for product in products}
    return [f"concentration-{digest}" for digest in sorted(digests)]

"""Tickets that crowd on a product are told once: at once, whoever hears of them, and never again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from services.alerts.app import service
from services.alerts.consumer import concentration, fold
from services.alerts.consumer.tickets import fold_tickets, hear_tickets
from shared.events.alerts import ALERT_CLEARED, ALERT_RAISED, Alert
from shared.events.envelope import Record
from shared.kernel.clock import day_end, day_start, local_day
from shared.runtime.recording import behind_locks
from shared.runtime.room import Room
from shared.store.log import XidBeforeLocks
from shared.store.parking import lock_parking, park
from shared.store.policy_files import shipped_policy
from shared.testing.postgres import fresh_database, open_room
from tests.alerts.closing import close_day, facts_of
from tests.alerts.complaints import HOSPITALS, HOUR, of, opened, told
from tests.alerts.facts import SENT
from tests.alerts.province import take

MONDAY = date(2026, 1, 5)
ONE, TWO, THREE = HOSPITALS[:3]


def opening(
    hospital: str = ONE, number: int = 1, at: datetime = SENT, product: str = "P1"
) -> Record:
    return told(opened(at, **of(hospital, number, product_id=product)), 1)


def openings(count: int, at: datetime = SENT, first: int = 0, **more: Any) -> list[Record]:
    """So many of one hospital, an hour apart."""
    return [opening(ONE, n, at + (n - first) * HOUR, **more) for n in range(first, first + count)]


async def raised(room: Room) -> list[Alert]:
    return [one for one in await facts_of(room, ALERT_RAISED) if one.rule == "A3.3-feedback"]


async def closed_days(room: Room, first: date, last: date) -> None:
    """The closes of these days, done as the frame does them."""
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        await close_day(room, day)
        await room.pool.execute("INSERT INTO closes (close_at) VALUES ($1)", day_end(day))


async def test_the_opening_that_completes_it_raises_an_alert_that_says_everything(
    closing_room: Room,
) -> None:
    tickets = [opening(ONE, 1), opening(TWO, 2, SENT + HOUR), opening(THREE, 3, SENT + 2 * HOUR)]
    for record in tickets[:2]:
        await take(closing_room, [record])
    assert await raised(closing_room) == []
    await take(closing_room, tickets[2:])
    (alert,) = await raised(closing_room)
    assert (alert.subject, alert.subject_id, alert.scope) == ("product", "P1", "360000")
    assert (alert.state, alert.raised_at) == ("open", SENT + 2 * HOUR)
    figure = alert.figure
    assert (figure.numerator, figure.denominator, figure.percent) == (3, 0, None)
    assert (figure.tickets, figure.hospitals, alert.threshold) == (3, 3, 5)
    assert alert.definition == "concentrated_feedback.v1"
    assert alert.evidence == f"/alerts/v1/alerts/{alert.alert_id}/tickets"
    assert alert.policy_version == shipped_policy().version
    assert (alert.divisions, alert.incomplete) == (["360102", "360121"], [])
    row = await closing_room.pool.fetchrow(
        "SELECT recorded_at, occurred_at, divisions, hospital_id FROM events"
    )
    assert tuple(row) == (SENT + 2 * HOUR, SENT + 2 * HOUR, "360102 360121", None)


async def test_each_product_has_its_own_and_what_follows_says_nothing_more(
    closing_room: Room,
) -> None:
    await take(closing_room, [*openings(9), *openings(4, first=20, product="P2")])
    assert [one.subject_id for one in await raised(closing_room)] == ["P1"]
    await take(closing_room, openings(5, first=30, product="P3"))
    await take(closing_room, openings(1, SENT + 9 * HOUR, first=40))
    assert [one.subject_id for one in await raised(closing_room)] == ["P1", "P3"]


async def test_a_duplicate_a_replay_or_a_rebuild_never_alerts_again(closing_room: Room) -> None:
    """Whether rows and closes stand or not: what stood at an instant is told of it for ever."""
    history = [*openings(6), *openings(6, SENT + timedelta(days=40), first=10)]
    days = (MONDAY, MONDAY + timedelta(days=50))
    await take(closing_room, [*history[:6], *history[:6]], 1)
    await take(closing_room, history[:6])
    await closed_days(closing_room, MONDAY, MONDAY + timedelta(days=39))
    await take(closing_room, history[6:], 2)
    await closed_days(closing_room, MONDAY + timedelta(days=40), days[1])
    said = await facts_of(closing_room)
    assert [one.state for one in said] == ["open", "cleared", "open"]
    await take(closing_room, history, 3)
    assert await facts_of(closing_room) == said
    for forgotten in (["tickets"], ["closes"], ["tickets", "closes"]):
        for table in forgotten:
            await closing_room.pool.execute(f"DELETE FROM {table}")
        for records in (history[:6], history[6:]):
            await take(closing_room, records, 2)
            if "closes" in forgotten:
                at = local_day(records[-1].occurred_at)
                await close_day(closing_room, at)
        assert await facts_of(closing_room) == said, forgotten


async def test_a_lagging_owner_tells_what_a_punctual_one_tells(
    closing_room: Room, postgres: str
) -> None:
    """Tickets of one instant, too: their order in the log decides, not how they were batched."""
    random = Random(3)
    records = [
        opening(random.choice(HOSPITALS), n, SENT + random.randrange(3) * HOUR, f"P{n % 4}")
        for n in range(40)
    ]
    records.sort(key=lambda one: one.occurred_at)
    await take(closing_room, records, 1)
    punctual = sorted(await raised(closing_room), key=lambda one: one.alert_id)
    async with fresh_database(postgres) as dsn, open_room(dsn, service) as other:
        await take(other, records, 40)
        lagging = sorted(await raised(other), key=lambda one: one.alert_id)
    assert len(punctual) == 4
    assert lagging == punctual


async def two_owners(room: Room, one_hears: list[Record], other_hears: list[Record]) -> None:
    """Two owners of two partitions: the second begins while the first has not committed."""
    async with room.pool.acquire() as one, room.pool.acquire() as other:
        first = one.transaction()
        await first.start()
        await fold(one, one_hears, room)

        async def second() -> None:
            async with other.transaction():
                await fold(other, other_hears, room)

        hearing = asyncio.create_task(second())
        await asyncio.sleep(0.2)  # it waits for its turn, or has done all but commit
        await first.commit()
        await hearing


async def test_two_owners_who_hear_of_one_product_at_once_tell_of_it_once(
    closing_room: Room,
) -> None:
    await take(closing_room, openings(3))
    await two_owners(closing_room, [opening(ONE, 7)], [opening(ONE, 8)])
    (alert,) = await raised(closing_room)
    assert alert.figure.tickets == 5
    await two_owners(closing_room, [opening(ONE, 9)], [opening(TWO, 10)])
    assert await raised(closing_room) == [alert]


async def test_without_taking_turns_neither_would_count_the_others_ticket(
    closing_room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why the locks: each sees four tickets, and five crowd untold."""

    def nobody(_products: Sequence[str]) -> list[str]:
        return []

    await take(closing_room, openings(3))
    monkeypatch.setattr(concentration, "_locks", nobody)
    await two_owners(closing_room, [opening(ONE, 7)], [opening(ONE, 8)])
    assert await closing_room.pool.fetchval("SELECT count(*) FROM tickets") == 5
    assert await raised(closing_room) == []


async def test_a_fold_that_wrote_before_the_locks_would_be_refused(closing_room: Room) -> None:
    """Readers of our log would see its alert out of order: the load finds the transaction id."""
    async with closing_room.pool.acquire() as tx:
        transaction = tx.transaction()
        await transaction.start()
        await fold_tickets(tx, hear_tickets(openings(5)))
        with pytest.raises(XidBeforeLocks):
            await behind_locks(tx, closing_room, [], SENT)
        await transaction.rollback()


async def test_a_rebuilt_batch_of_very_many_products_takes_few_locks(closing_room: Room) -> None:
    """A transaction may hold a thousand stream locks, and a batch is twice as long."""
    records = [opening(ONE, n, product=f"P{n}") for n in range(1500)]
    await take(closing_room, records, 1500)
    assert await raised(closing_room) == []
    assert await closing_room.pool.fetchval("SELECT count(*) FROM tickets") == 1500


async def test_an_opening_that_overtook_an_earlier_one_gives_the_alert_its_instant(
    closing_room: Room,
) -> None:
    """Of two partitions either may lag: the crowd is complete with the ticket opened last."""
    tickets = openings(5)
    await take(closing_room, [*tickets[:3], tickets[4]], 1)
    await take(closing_room, [tickets[3]])
    (alert,) = await raised(closing_room)
    assert (alert.raised_at, alert.figure.tickets) == (SENT + 4 * HOUR, 5)


async def test_the_first_close_whose_window_no_longer_holds_it_clears_and_its_return_is_new(
    closing_room: Room,
) -> None:
    await take(closing_room, openings(5))
    last = MONDAY + timedelta(days=29)
    await closed_days(closing_room, MONDAY, last)
    assert await facts_of(closing_room, ALERT_CLEARED) == []
    await closed_days(closing_room, last + timedelta(days=1), last + timedelta(days=1))
    (first,) = await raised(closing_room)
    (cleared,) = await facts_of(closing_room, ALERT_CLEARED)
    assert (cleared.alert_id, cleared.cleared_because) == (first.alert_id, "recovered")
    assert cleared.cleared_at == day_end(last + timedelta(days=1))
    assert cleared.figure == first.figure
    # At the very instant of the close the next day begins, and the condition with it.
    midnight = day_start(last + timedelta(days=2))
    again = [opening(one, 50 + n, midnight) for n, one in enumerate((ONE, TWO, THREE))]
    await take(closing_room, again)
    first, second = await raised(closing_room)
    assert second.alert_id != first.alert_id
    assert second.raised_at == cleared.cleared_at
    assert second.figure.tickets == 3


async def test_a_crowd_from_the_shelf_is_told_at_the_next_close_and_not_in_the_past(
    closing_room: Room,
) -> None:
    tickets = openings(5)
    async with closing_room.pool.acquire() as tx, tx.transaction():
        await lock_parking(tx)
        await park(tx, [("feedback", tickets[4], "测试")])
    await take(closing_room, tickets[:4])
    await closed_days(closing_room, MONDAY, MONDAY)
    await take(closing_room, tickets[4:])
    assert await raised(closing_room) == []
    await closed_days(closing_room, MONDAY + timedelta(days=1), MONDAY + timedelta(days=1))
    (alert,) = await raised(closing_room)
    assert alert.raised_at == day_end(MONDAY + timedelta(days=1))
    assert (alert.figure.tickets, alert.incomplete) == (5, [tickets[4].stream])


async def test_what_a_close_has_to_clear_goes_in_steps(
    closing_room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.alerts.clockwork.crowding.STREAMS_MAX", 3)
    await take(
        closing_room, [r for n in range(7) for r in openings(5, first=9 * n, product=f"P{n}")]
    )
    day = MONDAY + timedelta(days=40)
    assert await close_day(closing_room, day) == 4
    cleared = await facts_of(closing_room, ALERT_CLEARED)
    assert len({one.alert_id for one in cleared}) == len(cleared) == 7
    assert await close_day(closing_room, day) == 1
    assert await facts_of(closing_room, ALERT_CLEARED) == cleared

"""Alerts on crowding tickets through real marks and closes: who lags says the same, a rebuild nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from shared.events.alerts import ALERT_CLEARED, ALERT_RAISED
from shared.events.envelope import Record
from shared.events.topics import FEEDBACK
from shared.store.locks import lock_streams
from shared.store.log import NewEvent, append, load, take_positions
from shared.testing.postgres import fresh_database
from tests.alerts.closing import facts_of
from tests.alerts.complaints import HOSPITALS, of, opened, told
from tests.alerts.living import Town, town
from tests.oracle.alarms import alarming_history

EMPTY = alarming_history(5, orders=1, days=1)
"""Only its beginning is used."""

DAYS = 75


def complaints() -> list[Record]:
    """Openings on three products over two windows and a half, many of them at one instant."""
    random = Random(4)
    hours = sorted(random.randrange(24 * DAYS) for _ in range(45))
    return [
        told(
            opened(
                EMPTY.start + timedelta(hours=hour),
                **of(random.choice(HOSPITALS[:3]), n, product_id=f"P{random.randrange(3)}"),
            ),
            1,
        )
        for n, hour in enumerate([*hours[:20], *hours[19:]])
    ]


async def live(place: Town, *, punctual: bool) -> None:
    """The days of the openings and a month more."""
    for record in complaints():
        await _reach(place, record.occurred_at, punctual=punctual)
        await _write(place, record)
        if punctual:
            await place.catch_up()
    await _reach(place, EMPTY.start + timedelta(days=DAYS + 32), punctual=punctual)
    await place.catch_up()


async def _reach(place: Town, instant: datetime, *, punctual: bool) -> None:
    place.time.set(instant)
    await place.tick()
    if punctual:
        await place.catch_up()


async def _write(place: Town, record: Record) -> None:
    """As the feedback service would, without its doors."""
    async with place.feedback.pool.acquire() as tx, tx.transaction():
        await lock_streams(tx, "feedback", [record.stream])
        await load(tx, [record.stream])
        at = record.occurred_at
        event = NewEvent(
            FEEDBACK, record.stream, 1, record.source, record.event_id, record.type, at, at,
            b"", b"{}", record.fact,
        )  # fmt: skip
        await append(tx, [event], await take_positions(tx, 1))


REBUILDS = [
    ("tickets", "checkpoints"),
    ("checkpoints", "closes", "met"),
    ("tickets", "checkpoints", "closes", "met"),
]


async def test_who_lags_says_what_a_punctual_one_says_and_a_rebuild_says_nothing(
    postgres: str, database: str
) -> None:
    async with fresh_database(postgres) as dsn, town(dsn, EMPTY) as punctual:
        await live(punctual, punctual=True)
        said = await punctual.said()
    async with town(database, EMPTY) as lagging:
        await live(lagging, punctual=False)
        assert await lagging.said() == said
        raised = await facts_of(lagging.alerts, ALERT_RAISED)
        cleared = await facts_of(lagging.alerts, ALERT_CLEARED)
        assert len(raised) == len({one.alert_id for one in raised}) == len(cleared) > 3
        for forgotten in REBUILDS:
            await lagging.forget(*forgotten)
            assert await lagging.said() == said, forgotten
            assert await lagging.alerts.pool.fetchval("SELECT count(*) FROM tickets") == 46

"""The day close over real rows: what it raises, clears and keeps, and that it never does so twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from services.alerts.clockwork import day as day_module
from services.alerts.domain.alert import alert_id_of
from services.alerts.domain.rules import AlertStream, decode
from services.alerts.policy import rate_rules
from services.alerts.projections.scope import Scope
from shared.events import orders as o
from shared.events.alerts import ALERT_CLEARED, ALERT_RAISED, Alert
from shared.events.envelope import Record
from shared.kernel.clock import day_end
from shared.runtime.room import Room
from shared.store.parking import lock_parking, park
from shared.store.policy_files import shipped_policy
from tests.alerts import facts as f
from tests.alerts import province
from tests.alerts.closing import close_day, facts_of
from tests.alerts.province import take

MONDAY = date(2026, 1, 5)
DUE = date(2026, 1, 7)
"""Orders of Monday morning are due on Wednesday."""
LAST = DUE + timedelta(days=29)
"""The last day whose window holds them."""


def orders(
    count: int, answered: int, *, first: int = 0, sent: datetime = f.SENT, **more: Any
) -> list[Record]:
    """So many orders of one line, the first ones accepted at once."""
    records = []
    for n in range(first, first + count):
        ids = {"order_id": f"{f.HOSPITAL}-{n}"}
        told: list[o.OrderFact] = [
            f.placed(at=sent, answer_due=sent + timedelta(hours=48), **ids, **more)
        ]
        if n - first < answered:
            told.append(f.accepted(sent, **ids))
        records += [f.record(fact, version) for version, fact in enumerate(told, 1)]
    return records


async def raised(room: Room) -> list[Alert]:
    """Alerts of the response rule, as they were raised."""
    return [a for a in await facts_of(room, ALERT_RAISED) if a.rule == "A3.3-response"]


async def test_exactly_ninety_five_percent_raises_nothing(closing_room: Room) -> None:
    await take(closing_room, orders(20, 19))
    await close_day(closing_room, DUE)
    assert await raised(closing_room) == []


async def test_below_it_every_kind_of_subject_has_an_alert_that_says_everything(
    closing_room: Room,
) -> None:
    await take(closing_room, orders(20, 18))
    await close_day(closing_room, DUE)
    found = {alert.subject: alert for alert in await raised(closing_room)}
    assert {one: alert.subject_id for one, alert in found.items()} == {
        "product": "P1",
        "manufacturer": f.MAKER,
        "distributor": f.DISTRIBUTOR,
    }
    alert = found["distributor"]
    assert alert.alert_id == alert_id_of(
        "A3.3-response", "distributor", f.DISTRIBUTOR, "360000", DUE
    )
    assert (alert.state, alert.raised_at, alert.scope) == ("open", day_end(DUE), "360000")
    assert (alert.figure.numerator, alert.figure.denominator) == (18, 20)
    assert (alert.figure.percent, alert.threshold) == ("90.00", 95)
    assert (alert.definition, alert.title) == ("response.v1", "订单响应率低于 95%")
    assert alert.policy_version == shipped_policy().version
    assert (alert.divisions, alert.incomplete) == (["360102"], [])
    rows = await closing_room.pool.fetch(
        "SELECT recorded_at, occurred_at, distributor_id, manufacturers, divisions FROM events"
    )
    assert {(row["recorded_at"], row["occurred_at"]) for row in rows} == {
        (day_end(DUE), day_end(DUE))
    }
    shown = {(row["distributor_id"], row["manufacturers"], row["divisions"]) for row in rows}
    assert shown == {
        (f.DISTRIBUTOR, None, "360102"), (None, f.MAKER, "360102"), (None, None, "360102")
    }  # fmt: skip


async def test_nine_are_listed_apart_and_the_tenth_raises(closing_room: Room) -> None:
    await take(closing_room, orders(9, 0))
    await close_day(closing_room, DUE)
    assert await raised(closing_room) == []
    row = await closing_room.pool.fetchrow(
        "SELECT * FROM small_samples WHERE rule = 'A3.3-response' AND subject = 'product'"
    )
    assert tuple(row) == (DUE, "A3.3-response", "product", "P1", 0, 9, 95, "360102")
    await take(closing_room, orders(1, 0, first=9))
    await close_day(closing_room, DUE + timedelta(days=1))
    assert len(await raised(closing_room)) == 3


async def test_only_selected_lines_count(closing_room: Room) -> None:
    line = f.a_line(supplier_role="none")
    records = [f.record(f.placed(line, order_id=f"{f.HOSPITAL}-{n}"), 1) for n in range(20)]
    await take(closing_room, records)
    await close_day(closing_room, DUE)
    assert await facts_of(closing_room) == []


async def test_a_line_due_at_twenty_four_belongs_to_the_day_it_ends(closing_room: Room) -> None:
    midnight = datetime(2026, 1, 5, 16, tzinfo=UTC)  # the 6th begins; due at 24:00 of the 7th
    await take(closing_room, orders(10, 0, sent=midnight))
    await close_day(closing_room, DUE - timedelta(days=1))
    assert await raised(closing_room) == []
    await close_day(closing_room, DUE)
    assert len(await raised(closing_room)) == 3


async def test_an_alert_recovers_and_its_return_is_a_new_one(closing_room: Room) -> None:
    await take(closing_room, orders(10, 9))
    await close_day(closing_room, DUE)
    await take(closing_room, orders(10, 10, first=10))
    await close_day(closing_room, DUE + timedelta(days=1))  # 19 of 20
    await take(closing_room, orders(10, 0, first=20))
    await close_day(closing_room, DUE + timedelta(days=2))
    mine = [a for a in await facts_of(closing_room) if a.rule == "A3.3-response"]
    mine = [a for a in mine if a.subject == "product"]
    first, cleared, again = mine
    assert (cleared.alert_id, cleared.state) == (first.alert_id, "cleared")
    assert cleared.cleared_because == "recovered"
    assert cleared.cleared_at == day_end(DUE + timedelta(days=1))
    assert cleared.figure == first.figure  # of its raising
    assert again.alert_id != first.alert_id
    assert again.raised_at == day_end(DUE + timedelta(days=2))
    row = await closing_room.pool.fetchrow(
        "SELECT state, version FROM streams WHERE stream = $1", f"alert-{first.alert_id}"
    )
    state = decode(row["state"])
    assert isinstance(state, AlertStream)
    assert (state.alert, row["version"]) == (cleared, 2)


async def test_an_alert_whose_window_runs_dry_is_cleared_as_too_small(closing_room: Room) -> None:
    await take(closing_room, orders(10, 0))
    await close_day(closing_room, DUE)
    await close_day(closing_room, LAST)
    assert await facts_of(closing_room, ALERT_CLEARED) == []
    await close_day(closing_room, LAST + timedelta(days=1))
    cleared = [a for a in await facts_of(closing_room, ALERT_CLEARED) if a.subject == "product"]
    assert {a.cleared_because for a in cleared} == {"sample_too_small"}


async def test_an_alert_that_stays_below_says_nothing_more(closing_room: Room) -> None:
    await take(closing_room, orders(10, 0))
    for n in range(4):
        await close_day(closing_room, DUE + timedelta(days=n))
    assert len(await raised(closing_room)) == 3


async def test_the_figures_are_those_of_the_scorecards(closing_room: Room) -> None:
    """Every alert and small sample over random facts, against a plain sum over lines."""
    records = province.some_records(Random(31), 250)
    await take(closing_room, records)
    day = date(2026, 2, 9)
    await close_day(closing_room, day)
    rows = province.rows_of(records)
    expected: dict[tuple[str, str, str], tuple[int, int, str]] = {}
    small: dict[tuple[str, str, str], tuple[int, int]] = {}
    kinds = {"product": province.PRODUCTS, "manufacturer": province.MAKERS,
             "distributor": province.DISTRIBUTORS}  # fmt: skip
    first = day - timedelta(days=29)
    for rule in rate_rules(shipped_policy()):
        for kind, ids in kinds.items():
            for one in ids:
                mine = province.within(rows, Scope(subject=kind, id=one, selected_only=True))
                n, d = province.sums(mine, first, day)[rule.rate]
                counted = [
                    row for row in mine
                    if first <= province.day_of(row, rule.rate) <= day
                    and province.share_of(row, rule.rate)[1]
                ]  # fmt: skip
                where = " ".join(sorted({row.division for row in counted}))
                if d >= rule.sample_min and n * 100 < rule.percent * d:
                    expected[rule.id, kind, one] = (n, d, where)
                elif 0 < d < rule.sample_min and n * 100 < rule.percent * d:
                    small[rule.id, kind, one] = (n, d)
    found = {
        (a.rule, a.subject, a.subject_id): (
            a.figure.numerator, a.figure.denominator, " ".join(a.divisions)
        )
        for a in await facts_of(closing_room, ALERT_RAISED)
    }  # fmt: skip
    assert expected
    assert found == expected
    kept = await closing_room.pool.fetch("SELECT * FROM small_samples")
    assert {(r["rule"], r["subject"], r["subject_id"]): (r["numerator"], r["denominator"])
            for r in kept} == small  # fmt: skip


async def test_a_close_in_steps_records_what_one_in_one_step_records(
    closing_room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    await take(closing_room, province.some_records(Random(31), 250))
    day = date(2026, 2, 9)
    monkeypatch.setattr(day_module, "STREAMS_MAX", 4)
    steps = await close_day(closing_room, day)
    found = await facts_of(closing_room, ALERT_RAISED)
    assert steps == -(-len(found) // 4) > 1
    assert len({a.alert_id for a in found}) == len(found)
    assert await closing_room.pool.fetchval("SELECT count(*) FROM day_closes") == 1
    assert await close_day(closing_room, day) == 1
    assert await facts_of(closing_room, ALERT_RAISED) == found


async def test_closes_that_run_again_on_the_same_facts_record_nothing(closing_room: Room) -> None:
    """The alert of each close was there then, though since cleared: an id of the day would not do."""
    days = [DUE + timedelta(days=n) for n in range(4)]
    batches = [orders(10, 9), orders(10, 10, first=10), orders(10, 0, first=20), []]
    for day, batch in zip(days, batches, strict=True):
        await take(closing_room, batch)
        await close_day(closing_room, day)
    before = await facts_of(closing_room)
    assert {a.state for a in before} == {"open", "cleared"}
    await closing_room.pool.execute("DELETE FROM lines")
    for day, batch in zip(days, batches, strict=True):
        await take(closing_room, batch)
        await close_day(closing_room, day)
    assert await facts_of(closing_room) == before


async def test_a_parked_key_is_named_by_what_stands_without_it(closing_room: Room) -> None:
    records = orders(11, 0)
    async with closing_room.pool.acquire() as tx, tx.transaction():
        await lock_parking(tx)
        await park(tx, [("orders", records[0], "测试")])
    await take(closing_room, records[1:])
    await close_day(closing_room, DUE)
    for alert in await raised(closing_room):
        assert alert.incomplete == [records[0].stream]
        assert alert.figure.denominator == 10

"""Alerts on crowding tickets over HTTP: who sees them, on which tickets they stand, where else they show."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import httpx2
import pytest_asyncio

from services.alerts.domain.open_alerts import kept
from shared.events.topics import ALERTS_OPEN
from shared.runtime.room import Room
from shared.runtime.time import ManualTime
from shared.store.horizon import Cursor, read
from tests.alerts.closing import close_day
from tests.alerts.complaints import HOUR, of, opened, story
from tests.alerts.doors import BUREAU, CITY, COUNTY, REGISTERS, doors_of, get, refused
from tests.alerts.facts import DISTRIBUTOR, MAKER, SENT
from tests.alerts.province import take
from tests.alerts.test_stream import next_of, pushed

ALERTS = "/alerts/v1/alerts"
RULE = {"rule": "A3.3-feedback"}
TOWN, COUNTRY, FAR = "H36010200001", "H36012100001", "H36073500003"
CAPITAL = "H36000000001"


@pytest_asyncio.fixture
async def client(closing_room: Room) -> AsyncIterator[httpx2.AsyncClient]:
    """Tickets of three hospitals in two cities crowd on P1; a fourth hospital's came too late for it."""
    assert isinstance(closing_room.time, ManualTime)
    closing_room.time.set(datetime(2026, 1, 6, 1, tzinfo=UTC))
    await take(closing_room, REGISTERS)
    for n, hospital in enumerate((TOWN, COUNTRY, FAR, CAPITAL)):
        await take(closing_room, story(opened(SENT + n * HOUR, **of(hospital, 1))))
    async with doors_of(closing_room) as client:
        yield client


async def the_alert(client: httpx2.AsyncClient, actor: str = BUREAU) -> Any:
    (item,) = (await get(client, ALERTS, actor, **RULE))["items"]
    return item


async def tickets(client: httpx2.AsyncClient, actor: str = BUREAU, **query: Any) -> list[str]:
    url = (await the_alert(client))["evidence"]
    page = await get(client, url, actor, **query)
    found = [one["ticket_id"] for one in page["items"]]
    while page["next"] is not None:
        page = await get(client, url, actor, **query, after=page["next"])
        found += [one["ticket_id"] for one in page["items"]]
    return found


async def test_it_shows_what_it_stands_on(client: httpx2.AsyncClient) -> None:
    item = await the_alert(client)
    assert item["figure"] == {
        "numerator": 3, "denominator": 0, "percent": None, "tickets": 3, "hospitals": 3,
    }  # fmt: skip
    assert (item["state"], item["raised_at"]) == ("open", "2026-01-05T03:00:00Z")
    assert (item["subject"], item["subject_id"], item["threshold"]) == ("product", "P1", 5)
    assert item["divisions"] == ["360102", "360121", "360735"]
    behind = await get(client, item["evidence"])
    assert behind["items"][0] == {
        "ticket_id": f"{TOWN}-T1",
        "hospital_id": TOWN,
        "opened_at": "2026-01-05T01:00:00Z",
        "category": "short_supply",
    }
    assert len(behind["items"]) == item["figure"]["tickets"]


async def test_its_tickets_stay_those_it_was_raised_on_whatever_is_heard_later(
    client: httpx2.AsyncClient, closing_room: Room
) -> None:
    expected = [f"{one}-T1" for one in (TOWN, COUNTRY, FAR)]
    assert await tickets(client) == expected
    await take(closing_room, story(opened(SENT - HOUR, **of(TOWN, 9))))
    assert await tickets(client) == expected
    assert await tickets(client, limit=1) == expected


async def test_a_bureau_sees_it_when_its_area_holds_a_ticket_and_of_these_its_own(
    client: httpx2.AsyncClient,
) -> None:
    assert await tickets(client, COUNTY) == [f"{TOWN}-T1"]
    assert await tickets(client, CITY) == [f"{TOWN}-T1", f"{COUNTRY}-T1"]
    assert await tickets(client, "bureau:360735") == [f"{FAR}-T1"]
    for actor in ("regulator:360000", "ops:360000", "finance:360100"):
        assert len(await tickets(client, actor)) == 3
    url = (await the_alert(client))["evidence"]
    others = ("bureau:360403", f"hospital:{TOWN}", f"distributor:{DISTRIBUTOR}")
    for actor in (*others, f"manufacturer:{MAKER}"):
        assert await refused(client, url, actor) == (404, "not_found")
    assert (await get(client, ALERTS, "bureau:360403", **RULE))["items"] == []
    assert await refused(client, url, after="x") == (422, "malformed")


async def test_it_is_acknowledged_cleared_and_listed_like_any_other(
    client: httpx2.AsyncClient, closing_room: Room
) -> None:
    id_ = (await the_alert(client))["alert_id"]
    noted = await client.post(f"{ALERTS}/{id_}/acknowledge", headers={"X-Jicai-Actor": COUNTY})
    assert noted.status_code == 200
    await close_day(closing_room, date(2026, 2, 10))
    item = await the_alert(client)
    assert (item["state"], item["cleared_because"]) == ("cleared", "recovered")
    assert item["acknowledged"]["by"] == COUNTY
    assert (await get(client, ALERTS, **RULE, state="open"))["items"] == []
    assert (await get(client, ALERTS, rule="A3.3-response"))["items"] == []
    assert len(await tickets(client)) == 3


async def test_it_stands_on_the_topic_of_open_alerts_until_it_is_cleared(
    client: httpx2.AsyncClient, closing_room: Room
) -> None:
    await close_day(closing_room, date(2026, 2, 10))
    records, _ = await read(closing_room.pool, Cursor(1, 0, 0), 10, ["jicai.alerts.v1"])
    raised, cleared = (kept(record) for record in records)
    assert raised == ((ALERTS_OPEN, records[0].fact),)
    assert cleared == ((ALERTS_OPEN, None),)


async def test_the_stream_tells_of_it_to_those_whom_it_concerns(
    client: httpx2.AsyncClient, closing_room: Room
) -> None:
    for actor in (BUREAU, COUNTY):
        (event,) = await next_of(pushed(closing_room, actor), 1)
        assert event["event"] == "jicai.alert.raised.v1"
        assert event["data"]["data"]["figure"]["tickets"] == 3

"""Alerts and lists over HTTP: who sees which, who may act on them, and that the first act stands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from shared.events.alerts import ALERT_ACKNOWLEDGED, LATE_LIST_ISSUED, LATE_LIST_RECEIVED
from shared.runtime.room import Room
from shared.runtime.time import ManualTime
from shared.runtime.web import create_app
from tests.alerts import facts as f
from tests.alerts.closing import close_day, facts_of, issue
from tests.alerts.doors import BUREAU, CITY, COUNTY, REGISTERS, THREE, get, refused
from tests.alerts.province import take

ALERTS, LISTS = "/alerts/v1/alerts", "/alerts/v1/late-response-lists"
SMALL, CLOSES, CHANGES = "/alerts/v1/small-samples", "/alerts/v1/closes", "/alerts/v1/changes"
DISTRIBUTOR, MAKER = f"distributor:{f.DISTRIBUTOR}", f"manufacturer:{f.MAKER}"
FAR = "bureau:360735"
HOSPITAL, NEIGHBOUR = "hospital:H36010200001", "hospital:H36010200002"
STRANGER = "hospital:H36010200003"
DAY = date(2026, 1, 7)
NOW = datetime(2026, 1, 8, 1, tzinfo=UTC)


@pytest_asyncio.fixture
async def client(closing_room: Room) -> AsyncIterator[httpx2.AsyncClient]:
    """Twelve orders of two hospitals in 360102 that nobody answered, closed and listed."""
    sent = datetime(2026, 1, 5, 0, tzinfo=UTC)
    for n in range(12):
        hospital = f"H3601020000{1 + n % 2}"
        given = {"order_id": f"{hospital}-{n}", "hospital_id": hospital, "at": sent}
        order = f.placed(**given, answer_due=sent.replace(day=7))
        await take(closing_room, [f.record(order, 1)])
    other = f.placed(
        at=sent, answer_due=sent.replace(day=7), order_id="H36073500003-1", division="360735",
        hospital_id="H36073500003", distributor_id=THREE,
    )  # fmt: skip
    await take(closing_room, [f.record(other, 1)])
    await take(closing_room, REGISTERS)
    await issue(closing_room, DAY)
    await close_day(closing_room, DAY)
    assert isinstance(closing_room.time, ManualTime)
    closing_room.time.set(NOW)

    async def ready() -> dict[str, str]:
        return {}

    app = create_app({"alerts": closing_room}, trust_actor_header=True, readiness=ready)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="http://alerts"
    ) as client:
        yield client


async def ids(client: httpx2.AsyncClient, actor: str, **query: Any) -> set[tuple[str, str]]:
    items = (await get(client, ALERTS, actor, **query))["items"]
    return {(item["rule"], item["subject"]) for item in items}


async def an_alert(client: httpx2.AsyncClient, subject: str = "distributor") -> str:
    query = {"rule": "A3.3-response", "subject": subject}
    ((item),) = (await get(client, ALERTS, **query))["items"]
    id_: str = item["alert_id"]
    return id_


async def post(client: httpx2.AsyncClient, url: str, actor: str) -> tuple[int, Any]:
    answer = await client.post(url, headers={"X-Jicai-Actor": actor})
    return answer.status_code, answer.json()


async def test_an_alert_says_what_is_promised(client: httpx2.AsyncClient) -> None:
    item = await get(client, f"{ALERTS}/{await an_alert(client, 'product')}")
    assert item["figure"] == {"numerator": 0, "denominator": 13, "percent": "0.00"}
    assert (item["state"], item["raised_at"]) == ("open", "2026-01-07T16:00:00Z")
    assert (item["cleared_at"], item["cleared_because"], item["acknowledged"]) == (None,) * 3
    assert (item["divisions"], item["incomplete"]) == (["360102", "360735"], [])
    behind = await get(client, item["evidence"])
    assert len(behind["items"]) == 13


async def test_filters_and_pages_join_to_the_whole(client: httpx2.AsyncClient) -> None:
    whole = (await get(client, ALERTS))["items"]
    assert len(whole) == 3  # product, maker, distributor; nothing is due for delivery yet
    assert [item["alert_id"] for item in whole] == sorted(item["alert_id"] for item in whole)
    first = await get(client, ALERTS, limit=2)
    rest = await get(client, ALERTS, limit=2, after=first["next"])
    assert first["items"] + rest["items"] == whole
    assert rest["next"] is None
    assert await ids(client, BUREAU, state="cleared") == set()
    assert await ids(client, BUREAU, state="open", subject_id="P1") == {
        ("A3.3-response", "product")
    }
    assert await refused(client, ALERTS, after="x") == (422, "malformed")
    assert await refused(client, ALERTS, state="both") == (422, "malformed")


async def test_everybody_sees_the_alerts_that_are_about_them(client: httpx2.AsyncClient) -> None:
    assert await ids(client, DISTRIBUTOR) == {("A3.3-response", "distributor")}
    assert await ids(client, MAKER) == {("A3.3-response", "manufacturer")}
    assert await ids(client, f"distributor:{THREE}") == set()
    everything = await ids(client, BUREAU)
    for actor in (CITY, COUNTY, "regulator:360000", "ops:360000", "finance:360700"):
        assert await ids(client, actor) == everything
    # The distributor of these orders has no line there, their product and maker have.
    assert await ids(client, FAR) == {
        ("A3.3-response", "product"),
        ("A3.3-response", "manufacturer"),
    }
    assert await ids(client, "bureau:360403") == set()
    assert await refused(client, ALERTS, HOSPITAL) == (403, "forbidden")


async def test_what_one_may_not_see_is_not_found(client: httpx2.AsyncClient) -> None:
    url = f"{ALERTS}/{await an_alert(client)}"
    for actor in (FAR, MAKER, HOSPITAL, f"distributor:{THREE}"):
        assert await refused(client, url, actor) == (404, "not_found")
        assert (await post(client, f"{url}/acknowledge", actor))[0] == 404
    for id_ in ("nothing", "a%20b", "%00", "x" * 80):
        assert (await refused(client, f"{ALERTS}/{id_}"))[0] in (404, 422)


async def test_the_first_acknowledgement_stands(
    client: httpx2.AsyncClient, closing_room: Room
) -> None:
    url = f"{ALERTS}/{await an_alert(client)}"
    for actor in (DISTRIBUTOR, "regulator:360000", "finance:360000", "ops:360000"):
        assert (await post(client, f"{url}/acknowledge", actor))[0] == 403
    answers = await asyncio.gather(
        *(post(client, f"{url}/acknowledge", f"{COUNTY}/p{n}") for n in range(8))
    )
    assert {status for status, _ in answers} == {200}
    stood = {repr(body["acknowledged"]) for _, body in answers}
    assert len(stood) == 1
    status, again = await post(client, f"{url}/acknowledge", BUREAU)
    assert (status, {repr(again["acknowledged"])}) == (200, stood)
    (fact,) = await facts_of(closing_room, ALERT_ACKNOWLEDGED)
    assert fact.acknowledged.by.startswith(f"{COUNTY}/p")
    assert (fact.state, fact.alert_id) == ("open", again["alert_id"])


async def test_a_list_is_seen_by_whom_it_is_about(client: httpx2.AsyncClient) -> None:
    one, far = f"late-20260107-360102-{f.DISTRIBUTOR}", f"late-20260107-360735-{THREE}"

    async def seen(actor: str, **query: Any) -> list[str]:
        return [item["list_id"] for item in (await get(client, LISTS, actor, **query))["items"]]

    assert await seen(BUREAU) == [one, far]
    assert await seen(COUNTY) == await seen(CITY) == await seen(DISTRIBUTOR) == [one]
    assert await seen(FAR) == await seen(f"distributor:{THREE}") == [far]
    assert await seen("finance:360700") == [one, far]
    assert await seen(MAKER) == await seen(STRANGER) == []
    assert await seen(BUREAU, bureau="360735") == [far]
    assert await seen(BUREAU, distributor_id=f.DISTRIBUTOR) == [one]
    assert await seen(BUREAU, day="2026-01-07", limit=1) == [one]
    assert await seen(BUREAU, day="2026-01-08") == []
    for actor in (MAKER, STRANGER, FAR, f"distributor:{THREE}"):
        assert await refused(client, f"{LISTS}/{one}", actor) == (404, "not_found")


async def test_a_hospital_reads_its_own_lines_only(client: httpx2.AsyncClient) -> None:
    """In the list, in the pages of lists and in the feed."""
    url = f"{LISTS}/late-20260107-360102-{f.DISTRIBUTOR}"
    for hospital in (HOSPITAL, NEIGHBOUR):
        own = hospital.removeprefix("hospital:")
        (item,) = (await get(client, LISTS, hospital))["items"]
        (fact,) = (await get(client, CHANGES, hospital))["items"]
        for document in (await get(client, url, hospital), item, fact["data"]):
            assert {line["hospital_id"] for line in document["lines"]} == {own}
            assert len(document["lines"]) == 6
    assert len((await get(client, url, DISTRIBUTOR))["lines"]) == 12
    assert (await get(client, CHANGES, STRANGER))["items"] == []


async def test_the_feed_shows_each_what_its_lists_show(client: httpx2.AsyncClient) -> None:
    async def types(actor: str) -> list[str]:
        items = (await get(client, CHANGES, actor))["items"]
        return sorted(f"{item['type'].split('.')[1]} {_about(item)}" for item in items)

    issued, alert = "late_response_list ", "alert "
    assert await types(DISTRIBUTOR) == [f"{alert}distributor", f"{issued}360102"]
    assert await types(MAKER) == [f"{alert}manufacturer"]
    assert await types(COUNTY) == await types(CITY)
    assert await types(COUNTY) == [
        f"{alert}distributor", f"{alert}manufacturer", f"{alert}product", f"{issued}360102"
    ]  # fmt: skip
    assert await types(FAR) == [f"{alert}manufacturer", f"{alert}product", f"{issued}360735"]
    assert await types("bureau:360403") == []
    assert len(await types(BUREAU)) == 5


def _about(item: Any) -> str:
    data = item["data"]
    about: str = data["bureau"] if item["type"] == LATE_LIST_ISSUED else data["subject"]
    return about


async def test_the_first_receipt_is_the_proof_of_service(
    client: httpx2.AsyncClient, closing_room: Room
) -> None:
    url = f"{LISTS}/late-20260107-360102-{f.DISTRIBUTOR}"
    for actor, status in ((COUNTY, 403), (HOSPITAL, 403), (MAKER, 404), (FAR, 404)):
        assert (await post(client, f"{url}/receipt", actor))[0] == status
    assert (await get(client, url))["received_at"] is None
    answers = await asyncio.gather(
        *(post(client, f"{url}/receipt", f"{DISTRIBUTOR}/p{n}") for n in range(6))
    )
    assert {status for status, _ in answers} == {200}
    assert len({(body["received_at"], body["received_by"]) for _, body in answers}) == 1
    (fact,) = await facts_of(closing_room, LATE_LIST_RECEIVED)
    after = await get(client, url)
    assert after["received_by"] == fact.by
    assert after["received_at"] == "2026-01-08T01:00:00Z"  # the room's own clock
    assert len(after["lines"]) == 12


async def test_small_samples_are_listed_of_the_last_closed_day(client: httpx2.AsyncClient) -> None:
    page = await get(client, SMALL)
    assert page["items"] == [
        {
            "rule": "A3.3-response",
            "subject": "distributor",
            "subject_id": THREE,
            "scope": "360000",
            "day": "2026-01-07",
            "figure": {"numerator": 0, "denominator": 1, "percent": "0.00"},
            "threshold": 95,
        }
    ]
    assert (await get(client, SMALL, day="2026-01-06"))["items"] == []
    assert (await get(client, SMALL, FAR))["items"] == page["items"]
    assert (await get(client, SMALL, f"distributor:{THREE}"))["items"] == page["items"]
    assert (await get(client, SMALL, COUNTY))["items"] == []
    assert (await get(client, SMALL, DISTRIBUTOR))["items"] == []
    assert await refused(client, SMALL, HOSPITAL) == (403, "forbidden")
    assert await refused(client, SMALL, day="2026-02-30") == (422, "malformed")


@pytest.mark.parametrize("actor", [HOSPITAL, DISTRIBUTOR, MAKER])
async def test_closes_are_for_those_who_watch(client: httpx2.AsyncClient, actor: str) -> None:
    assert await refused(client, CLOSES, actor) == (403, "forbidden")
    assert (await get(client, CLOSES, COUNTY)) == {"items": [], "next": None}


async def test_closes_say_how_late_they_ran_and_what_was_parked(
    client: httpx2.AsyncClient, closing_room: Room
) -> None:
    await closing_room.pool.execute(
        """INSERT INTO closes (close_at, ran_at, parked) VALUES
           ('2026-01-07 01:00Z', '2026-01-07 01:00:02Z', '{}'),
           ('2026-01-07 16:00Z', '2026-01-07 17:00Z', '{order-1}')"""
    )
    first = await get(client, CLOSES, limit=1)
    assert first["items"] == [
        {
            "at": "2026-01-07T16:00:00Z",
            "local": "2026-01-08T00:00:00+08:00",
            "kind": "day_close",
            "ran_at": "2026-01-07T17:00:00Z",
            "late_seconds": 3600,
            "parked": ["order-1"],
        }
    ]
    (last,) = (await get(client, CLOSES, after=first["next"]))["items"]
    assert (last["kind"], last["late_seconds"]) == ("late_response_lists", 2)
    assert await refused(client, CLOSES, after="x") == (422, "malformed")

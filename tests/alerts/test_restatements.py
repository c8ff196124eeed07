"""Restatements are exactly the figures that are different now, each with what made it so."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import httpx2
import pytest

from services.alerts.policy import RATES
from shared.events.envelope import Record
from shared.events.orders import LINE_VOIDED
from shared.runtime.room import Room
from tests.alerts import province
from tests.alerts.complaints import some_tickets
from tests.alerts.doors import (
    BUREAU,
    CARDS,
    CITY,
    COUNTY,
    EVIDENCE,
    ONE,
    REGISTERS,
    TOTAL,
    TWO,
    get,
    refused,
    registered,
)
from tests.alerts.facts import (
    ANSWER_DUE,
    DELIVERY_DUE,
    DISTRIBUTOR,
    HOSPITAL,
    SENT,
    a_line,
    accepted,
    arrived,
    dispatched,
    placed,
    received,
    record,
)
from tests.alerts.province import DISTRIBUTORS, MAKERS, PRODUCTS, take
from tests.alerts.publishing import KINDS, PUBLICATIONS, figures, items_of, publish

DAYS = {"window": "2026-02", "as_of": "2026-03-31"}
HOUR = timedelta(hours=1)
ORDER = f"{HOSPITAL}-1"
EVERYBODY = [
    *(registered("organisation", one, kinds=["distributor"]) for one in DISTRIBUTORS),
    *(registered("organisation", one, kinds=["manufacturer"]) for one in MAKERS),
    *(registered("product", one, category="drug") for one in PRODUCTS),
]


async def restated(
    client: httpx2.AsyncClient, id_: str, actor: str = BUREAU, **query: Any
) -> list[dict[str, Any]]:
    return await items_of(client, f"{PUBLICATIONS}/{id_}/restatements", actor, **query)


async def figures_of(
    client: httpx2.AsyncClient, actor: str, subjects: set[tuple[str, str]], **query: str
) -> dict[Any, Any]:
    """The rates of these, asked one by one."""
    found = {}
    for kind, id_ in subjects:
        asked = {} if kind == "total" else {"subject": kind, "id": id_}
        url = TOTAL if kind == "total" else CARDS
        (card,) = (await get(client, url, actor, **asked, **query))["items"]
        found |= {(kind, id_, rate): card["rates"][rate] for rate in RATES}
    return found


def some_history(seed: int) -> tuple[list[Record], list[Record]]:
    """What is known at the publication and what comes after, in any order."""
    random = Random(seed)
    records = province.some_records(random, 60) + some_tickets(random, 60)
    random.shuffle(records)
    cut = random.randrange(len(records) // 3, len(records))
    return records[:cut], [*records[cut:], *random.sample(records, 20)]


@pytest.mark.parametrize("seed", [1, 2, 7])
async def test_restatements_are_the_difference_of_frozen_and_live_figures(
    alerts_room: Room, bare_client: httpx2.AsyncClient, seed: int
) -> None:
    before, after = some_history(seed)
    await take(alerts_room, [*EVERYBODY, *before])
    id_ = (await publish(bare_client))["publication_id"]
    assert await restated(bare_client, id_) == []
    await take(alerts_room, after[: len(after) // 2], 30)
    await publish(bare_client)  # what comes after another one has changed since the first too
    await take(alerts_room, after[len(after) // 2 :], 30)
    by_tickets: set[str] = set()
    for actor in (BUREAU, CITY, COUNTY):
        listed = {
            key[:2]
            for query in ({"publication_id": id_}, DAYS)
            for key in await figures(bare_client, actor, **query)
        }
        then = await figures_of(bare_client, actor, listed, publication_id=id_)
        now = await figures_of(bare_client, actor, listed, **DAYS)
        expected = {key: (then[key], now[key]) for key in then if then[key] != now[key]}
        items = await restated(bare_client, id_, actor, limit=11)
        found = {(i["subject"], i["id"], i["rate"]): (i["published"], i["now"]) for i in items}
        assert len(items) == len(found)
        assert found == expected
        assert list(found) == sorted(found, key=_place)
        by_tickets |= {kind for kind, _, rate in found if rate == "feedback"}
    assert len(found) > 10
    assert by_tickets == {*KINDS, "total"}


def _place(key: tuple[str, str, str]) -> Any:
    return ([*KINDS, "total"].index(key[0]), key[1], RATES.index(key[2]))


@pytest.mark.parametrize("seed", [4, 5])
async def test_every_line_that_adds_something_else_gives_a_cause_and_no_other_does(
    alerts_room: Room, bare_client: httpx2.AsyncClient, seed: int
) -> None:
    before, after = some_history(seed)
    await take(alerts_room, [*REGISTERS, *before])
    id_ = (await publish(bare_client))["publication_id"]
    await take(alerts_room, after)
    was_known = {one.event_id for one in before}
    may_cause = {one.event_id for one in after if one.type != LINE_VOIDED} - was_known
    for subject, one in (("product", "P1"), ("distributor", ONE), ("total", "total")):
        items = await restated(bare_client, id_, subject=subject, id=one)
        assert items
        for item in items:
            causes = {cause["id"] for cause in item["caused_by"]}
            assert len(causes) == len(item["caused_by"])
            assert causes <= may_cause
            about = {"subject": subject, "id": one, "rate": item["rate"]}
            frozen = await _counted(bare_client, **about, publication_id=id_)
            live = await _counted(bare_client, **about, **DAYS)
            orders = {key[0] for key in frozen | live if frozen.get(key) != live.get(key)}
            assert {cause.rpartition("-e")[0] for cause in causes} == orders


async def _counted(client: httpx2.AsyncClient, **query: Any) -> dict[Any, Any]:
    items = await items_of(client, EVIDENCE, limit=1000, **query)
    return {
        (i["order_id"] or i["ticket_id"], i["line_id"]): (i["numerator"], i["denominator"])
        for i in items
    }


async def world(room: Room, *facts: Any) -> list[Record]:
    """One order: line 1 and 2 of the same product."""
    records = [
        record(fact, version)
        for version, fact in enumerate([placed(a_line("1"), a_line("2")), *facts], 1)
    ]
    await take(room, [*REGISTERS, *records])
    return records


async def test_the_causes_of_a_small_story(
    alerts_room: Room, bare_client: httpx2.AsyncClient
) -> None:
    await world(alerts_room, accepted(SENT + HOUR), dispatched(), arrived(SENT + 2 * HOUR))
    id_ = (await publish(bare_client, "2026-01"))["publication_id"]
    late = DELIVERY_DUE + HOUR
    since = [
        received(late, 100, 60, 40, arrives=60),  # version 5: less arrived than was said
        accepted(ANSWER_DUE, "2"),  # version 6: in time, but heard late
        accepted(late, "1"),  # version 7: the first answer stands
    ]
    await take(alerts_room, [record(fact, version) for version, fact in enumerate(since, 5)])
    items = await restated(bare_client, id_, subject="distributor", id=DISTRIBUTOR)
    source = f"urn:jicai:{DISTRIBUTOR}"
    receipt = [{"source": source, "id": f"{ORDER}-e5"}]
    answer = [{"source": source, "id": f"{ORDER}-e6"}]
    assert [(i["rate"], i["published"]["percent"], i["now"]["percent"]) for i in items] == [
        ("response", "50.00", "100.00"),
        ("answered", "50.00", "100.00"),
        ("on_time", "50.00", "0.00"),
        ("on_time_first", "50.00", "0.00"),
        ("receipt", "0.00", "30.00"),
        ("response_orders_ytd", "0.00", "100.00"),
    ]
    assert [i["caused_by"] for i in items] == [answer, answer, receipt, receipt, receipt, answer]
    subjects = {i["subject"] for i in await restated(bare_client, id_)}
    assert subjects == {"distributor", "manufacturer", "product", "total"}
    only = await restated(bare_client, id_, rate="on_time", subject="total")
    assert [(i["subject"], i["id"], i["rate"]) for i in only] == [("total", "total", "on_time")]


async def test_an_answer_to_one_line_moves_no_order_that_another_leaves_unanswered(
    alerts_room: Room, bare_client: httpx2.AsyncClient
) -> None:
    await world(alerts_room)
    id_ = (await publish(bare_client, "2026-01"))["publication_id"]
    await take(alerts_room, [record(accepted(SENT), 2)])
    rates = [i["rate"] for i in await restated(bare_client, id_, subject="total")]
    assert rates == ["response", "answered"]


async def test_an_order_heard_of_since_is_restated_from_nothing(
    alerts_room: Room, bare_client: httpx2.AsyncClient
) -> None:
    id_ = (await publish(bare_client, "2026-01"))["publication_id"]
    await world(alerts_room)
    items = await restated(bare_client, id_, subject="product", id="P1")
    assert [i["rate"] for i in items] == [
        r for r in RATES if r not in ("feedback", "rectification")
    ]
    for item in items:
        assert item["published"] == {"numerator": 0, "denominator": 0, "percent": None}
        assert item["caused_by"] == [{"source": f"urn:jicai:{DISTRIBUTOR}", "id": f"{ORDER}-e1"}]


async def test_gains_and_losses_that_make_up_for_each_other_restate_nothing(
    alerts_room: Room, bare_client: httpx2.AsyncClient
) -> None:
    late = DELIVERY_DUE + HOUR
    await world(alerts_room, dispatched(), arrived(SENT), dispatched(delivery_id="D2", line_id="2"))
    id_ = (await publish(bare_client, "2026-01"))["publication_id"]
    now = [
        record(received(late, 100, 100, 0, arrives=0), 5),  # line 1 was not on time after all
        record(arrived(SENT, delivery_id="D2", line_id="2"), 6),  # line 2 was
    ]
    await take(alerts_room, now)
    assert await restated(bare_client, id_, rate="on_time") == []
    assert await restated(bare_client, id_, rate="receipt") != []


async def test_who_sees_which_restatements(
    alerts_room: Room, bare_client: httpx2.AsyncClient
) -> None:
    before, after = some_history(6)
    await take(alerts_room, [*REGISTERS, *before])
    id_ = (await publish(bare_client))["publication_id"]
    await take(alerts_room, after)
    url = f"{PUBLICATIONS}/{id_}/restatements"
    everything = await restated(bare_client, id_)
    own = await restated(bare_client, id_, f"distributor:{ONE}")
    assert own == [i for i in everything if (i["subject"], i["id"]) == ("distributor", ONE)]
    assert own == await restated(bare_client, id_, subject="distributor", id=ONE)
    unknown = (404, "unknown_subject")
    for query in ({"subject": "total"}, {"subject": "product"}, {"subject": "manufacturer"}):
        assert await refused(bare_client, url, f"distributor:{ONE}", **query) == unknown
    other = {"subject": "distributor", "id": TWO}
    assert await refused(bare_client, url, f"distributor:{ONE}", **other) == unknown
    assert await refused(bare_client, url, f"hospital:{HOSPITAL}") == (403, "forbidden")
    for actor in ("regulator:360000", "ops:360000", "importer:360000", "finance:360100"):
        assert await restated(bare_client, id_, actor) == everything


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ({"id": ONE}, (422, "malformed")),
        ({"subject": "hospital"}, (422, "malformed")),
        ({"rate": "speed"}, (422, "malformed")),
        ({"limit": 0}, (422, "malformed")),
        ({"after": "bad"}, (422, "malformed")),
        ({"after": "WyJhIiwiYiIsImMiXQ"}, (422, "malformed")),
        ({"subject": "product", "id": "nobody"}, (404, "unknown_subject")),
        ({"subject": "total", "id": ONE}, (404, "unknown_subject")),
    ],
)
async def test_bad_questions_are_refused(
    client: httpx2.AsyncClient, query: dict[str, Any], refusal: tuple[int, str]
) -> None:
    id_ = (await publish(client))["publication_id"]
    assert await refused(client, f"{PUBLICATIONS}/{id_}/restatements", **query) == refusal
    unknown = await refused(client, f"{PUBLICATIONS}/PUB-0/restatements", **query)
    assert unknown == (404, "unknown_publication") or unknown[0] == 422


async def test_a_rate_that_nothing_stands_behind_is_never_restated(
    client: httpx2.AsyncClient,
) -> None:
    id_ = (await publish(client))["publication_id"]
    page = await get(client, f"{PUBLICATIONS}/{id_}/restatements", rate="rectification")
    assert page == {"items": [], "next": None}

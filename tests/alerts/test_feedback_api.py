"""`feedback.v1` over HTTP: scorecards, the score, evidence, and what a publication makes of it."""

from __future__ import annotations

from random import Random
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from shared.kernel.clock import utc_text
from shared.runtime.room import Room
from tests.alerts import province
from tests.alerts.complaints import (
    HOUR,
    PROMISED,
    REPLY_DUE,
    closed,
    moved,
    of,
    opened,
    reopened,
    replied,
    solved,
    some_tickets,
    story,
)
from tests.alerts.doors import (
    BUREAU,
    CARDS,
    CITY,
    COUNTY,
    EVIDENCE,
    ONE,
    REGISTERS,
    THREE,
    TOTAL,
    TWO,
    get,
    refused,
)
from tests.alerts.facts import DISTRIBUTOR, HOSPITAL, SENT
from tests.alerts.province import take
from tests.alerts.publishing import items_of, publish
from tests.alerts.test_restatements import restated

JANUARY = {"window": "2026-01", "as_of": "2026-01-31"}
SECOND, FAR = "H36010200002", "H36040300001"
RECORDS = [
    *story(opened(), replied(), solved(PROMISED)),
    *story(
        opened(**of(SECOND, 1)),
        solved(SENT + HOUR, **of(SECOND, 1)),
        reopened(SENT + 2 * HOUR, **of(SECOND, 1)),
        closed(SENT + 3 * HOUR, **of(SECOND, 1)),
    ),
    *story(
        opened(
            **of(FAR, 1, addressees=[DISTRIBUTOR, THREE], hospital_level="tertiary"),
            product_category="consumable",
            product_id="P2",
        )
    ),
]


def rate(numerator: int, denominator: int, percent: str | None) -> dict[str, Any]:
    return {"numerator": numerator, "denominator": denominator, "percent": percent}


@pytest_asyncio.fixture
async def told(alerts_room: Room) -> Room:
    """Three tickets of three hospitals: a hit, one that was reopened, one that nobody answered."""
    await take(alerts_room, [*REGISTERS, *RECORDS])
    return alerts_room


async def feedback(client: httpx2.AsyncClient, actor: str = BUREAU, **query: Any) -> Any:
    url = CARDS if "subject" in query else TOTAL
    (card,) = (await get(client, url, actor, **JANUARY | query))["items"]
    return card["rates"]["feedback"]


async def test_each_subject_counts_its_own_tickets(
    told: Room, bare_client: httpx2.AsyncClient
) -> None:
    assert await feedback(bare_client) == rate(1, 3, "33.33")
    assert await feedback(bare_client, subject="product", id="P1") == rate(1, 2, "50.00")
    assert await feedback(bare_client, subject="distributor", id=ONE) == rate(1, 3, "33.33")
    # A firm that is registered as both has them in both roles, whichever it has in the order.
    for kind in ("distributor", "manufacturer"):
        assert await feedback(bare_client, subject=kind, id=THREE) == rate(0, 1, "0.00")
    assert await feedback(bare_client, subject="manufacturer", id=TWO) == rate(0, 0, None)


async def test_filters_look_at_the_product_and_the_hospital_and_at_nothing_else(
    told: Room, bare_client: httpx2.AsyncClient
) -> None:
    assert await feedback(bare_client, category="drug") == rate(1, 2, "50.00")
    assert await feedback(bare_client, level="tertiary") == rate(0, 1, "0.00")
    assert await feedback(bare_client, division="360100") == rate(1, 2, "50.00")
    assert await feedback(bare_client, COUNTY) == rate(1, 2, "50.00")
    assert await feedback(bare_client, role="selected", batch_id="B1") == rate(1, 3, "33.33")


async def test_a_ticket_counts_on_the_day_of_what_is_judged(
    told: Room, bare_client: httpx2.AsyncClient
) -> None:
    days = {"window": "30d", "as_of": "2026-01-07"}  # the reply due; the promise is of the 12th
    assert await feedback(bare_client, **days) == rate(0, 2, "0.00")
    assert await feedback(bare_client, **days | {"as_of": "2026-01-06"}) == rate(0, 0, None)
    assert await feedback(bare_client, **days | {"as_of": "2026-01-12"}) == rate(1, 3, "33.33")


async def test_a_list_of_scorecards_does_not_grow_by_tickets(
    told: Room, bare_client: httpx2.AsyncClient
) -> None:
    for kind in ("distributor", "manufacturer", "product"):
        assert (await get(bare_client, CARDS, subject=kind, **JANUARY))["items"] == []
    await take(told, province.some_records(Random(5), 40))
    cards = await items_of(bare_client, CARDS, subject="distributor", **JANUARY)
    shown = {card["id"]: card["rates"]["feedback"] for card in cards}
    assert shown[ONE] == rate(1, 3, "33.33")
    assert shown[THREE] == rate(0, 1, "0.00")


async def test_the_score_takes_it(told: Room, bare_client: httpx2.AsyncClient) -> None:
    await take(told, province.some_records(Random(5), 40))
    with_tickets = await get(bare_client, TOTAL, **JANUARY)
    assert with_tickets["without_data"] == ["rectification"]
    await told.pool.execute("DELETE FROM tickets")
    without = await get(bare_client, TOTAL, **JANUARY)
    assert without["without_data"] == ["feedback", "rectification"]
    # 33.33 % lies below the floor: the whole part is lost.
    assert float(without["score"]) == pytest.approx(float(with_tickets["score"]) + 15)


async def test_evidence_names_the_tickets_and_what_decided_them(
    told: Room, bare_client: httpx2.AsyncClient
) -> None:
    asked = {"subject": "product", "id": "P1", "rate": "feedback"} | JANUARY

    def caused(hospital: str, *versions: int) -> list[dict[str, str]]:
        return [
            {"source": "urn:jicai:platform", "id": f"{hospital}-T1-e{version}"}
            for version in versions
        ]

    nothing = {"order_id": None, "line_id": None, "denominator": 1}
    hit = nothing | {
        "ticket_id": f"{HOSPITAL}-T1",
        "due_at": utc_text(PROMISED),
        "outcome": "hit",
        "numerator": 1,
        "decided_by": caused(HOSPITAL, 1, 2, 3),
    }
    miss = nothing | {
        "ticket_id": f"{SECOND}-T1",
        "due_at": utc_text(REPLY_DUE),
        "outcome": "miss",
        "numerator": 0,
        "decided_by": caused(SECOND, 1, 2, 3),
    }
    assert (await get(bare_client, EVIDENCE, **asked))["items"] == [hit, miss]
    assert (await get(bare_client, EVIDENCE, **asked, outcome="hit"))["items"] == [hit]
    assert await items_of(bare_client, EVIDENCE, **asked, limit=1) == [hit, miss]
    assert await refused(bare_client, EVIDENCE, **asked, after="x") == (422, "malformed")
    card = (await get(bare_client, CARDS, subject="product", id="P1", **JANUARY))["items"][0]
    behind = await get(bare_client, f"{card['evidence']}&rate=feedback")
    assert behind["items"] == [hit, miss]


async def test_evidence_adds_up_for_every_subject(
    alerts_room: Room, bare_client: httpx2.AsyncClient
) -> None:
    records = some_tickets(Random(9), 80)
    await take(alerts_room, [*REGISTERS, *records])
    found = 0
    for kind, id_ in (("distributor", ONE), ("manufacturer", THREE), ("product", "P1")):
        about = {"subject": kind, "id": id_, "window": "2026", "as_of": "2026-03-31"}
        (card,) = (await get(bare_client, CARDS, CITY, **about))["items"]
        items = await items_of(bare_client, EVIDENCE, CITY, rate="feedback", limit=7, **about)
        figure = card["rates"]["feedback"]
        assert sum(one["numerator"] for one in items) == figure["numerator"]
        assert sum(one["denominator"] for one in items) == figure["denominator"]
        found += len(items)
    assert found > 20


async def test_what_is_published_stands_and_what_comes_later_is_named_as_the_cause(
    told: Room, bare_client: httpx2.AsyncClient
) -> None:
    await take(told, province.some_records(Random(5), 40))
    id_ = (await publish(bare_client, **JANUARY))["publication_id"]
    since = [
        *story(*[opened(**of(SECOND, 1))] * 4, solved(REPLY_DUE, **of(SECOND, 1)))[4:],
        *story(opened(), replied(), solved(PROMISED), moved(REPLY_DUE + HOUR, "promise_limit"))[3:],
        *story(opened(**of(FAR, 2)), closed(SENT, **of(FAR, 2))),
    ]
    await take(told, since)
    published = {"publication_id": id_}
    assert await feedback(bare_client, **published) == rate(1, 3, "33.33")
    assert await feedback(bare_client) == rate(2, 4, "50.00")
    (total,) = await restated(bare_client, id_, subject="total", rate="feedback")
    assert (total["published"], total["now"]) == (rate(1, 3, "33.33"), rate(2, 4, "50.00"))
    assert [one["id"] for one in total["caused_by"]] == [f"{SECOND}-T1-e5", f"{FAR}-T2-e1"]
    (mine,) = await restated(bare_client, id_, COUNTY, subject="total", rate="feedback")
    assert (mine["published"], mine["now"]) == (rate(1, 2, "50.00"), rate(2, 2, "100.00"))
    assert [one["id"] for one in mine["caused_by"]] == [f"{SECOND}-T1-e5"]
    told_to = {i["subject"]: i["id"] for i in await restated(bare_client, id_, rate="feedback")}
    assert told_to == {"distributor": ONE, "product": "P1", "total": "total"}


async def test_a_ticket_that_no_longer_falls_into_the_window_is_restated(
    told: Room, bare_client: httpx2.AsyncClient
) -> None:
    """A moved due takes it out: what it added is missing now, and the move is the cause."""
    days = {"window": "30d", "as_of": "2026-01-07"}
    id_ = (await publish(bare_client, **days))["publication_id"]
    late = moved(REPLY_DUE + 24 * HOUR, **of(SECOND, 1))
    await take(told, story(*[late] * 5)[4:])
    (item,) = await restated(bare_client, id_, subject="total", rate="feedback")
    assert (item["published"], item["now"]) == (rate(0, 2, "0.00"), rate(0, 1, "0.00"))
    assert [one["id"] for one in item["caused_by"]] == [f"{SECOND}-T1-e5"]

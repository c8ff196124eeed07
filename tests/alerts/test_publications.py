"""A publication stands for ever: whatever is heard later, it answers the same bytes."""

from __future__ import annotations

from hashlib import sha256
from random import Random
from typing import Any

import httpx2
import msgspec
import pytest

from services.alerts.consumer import fold
from services.alerts.policy import DEFINITIONS, RATES, Term, score_terms
from shared.events.envelope import Record
from shared.kernel.canonical import canonical, root
from shared.kernel.policy import Policy
from shared.runtime.room import Room
from tests.alerts import province
from tests.alerts.complaints import some_tickets
from tests.alerts.doors import (
    BUREAU,
    CARDS,
    CITY,
    EVIDENCE,
    ONE,
    REGISTERS,
    TOTAL,
    TWO,
    get,
    refused,
    registered,
)
from tests.alerts.province import take
from tests.alerts.publishing import (
    KINDS,
    PUBLICATIONS,
    everything,
    fetch,
    figures,
    items_of,
    publish,
)

DAYS = {"window": "2026-02", "as_of": "2026-03-31"}


async def register(room: Room, records: list[Record]) -> None:
    async with room.pool.acquire() as connection, connection.transaction():
        await fold(connection, records, room)


def shuffled(seed: int, orders: int = 40) -> tuple[Random, list[Record]]:
    """Facts in any order, some of them twice: deliveries may come before their order."""
    random = Random(seed)
    records = province.some_records(random, orders) + some_tickets(random, orders)
    records += random.sample(records, 40)
    random.shuffle(records)
    return random, records


@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_is_heard_later_a_publication_answers_the_same_bytes(
    alerts_room: Room, bare_client: httpx2.AsyncClient, seed: int
) -> None:
    random, records = shuffled(seed)
    await register(alerts_room, REGISTERS)
    cuts = sorted(random.sample(range(len(records)), 3))
    answered: dict[str, list[bytes]] = {}
    windows = ["2026-02", "90d", "2026Q1"]
    for start, end in zip([0, *cuts], [*cuts, len(records)], strict=True):
        await take(alerts_room, records[start:end], random.randint(1, 60))
        for id_, before in answered.items():
            assert await everything(bare_client, id_) == before
        if windows:
            published = await publish(bare_client, windows.pop())
            id_ = published["publication_id"]
            answered[id_] = await everything(bare_client, id_)
    assert len({answers[0] for answers in answered.values()}) == 3
    assert await alerts_room.pool.fetchval("SELECT count(*) FROM past_lines") > 50


async def test_a_publication_says_what_was_known_when_it_was_issued(
    alerts_room: Room, bare_client: httpx2.AsyncClient
) -> None:
    _, records = shuffled(11)
    await register(alerts_room, REGISTERS)
    await take(alerts_room, records[:150])
    live = await figures(bare_client, **DAYS)
    id_ = (await publish(bare_client))["publication_id"]
    await take(alerts_room, records[150:])
    assert await figures(bare_client, publication_id=id_) == live
    assert await figures(bare_client, **DAYS) != live


async def test_a_line_rewritten_between_two_publications_stands_in_each_as_it_was(
    alerts_room: Room, bare_client: httpx2.AsyncClient
) -> None:
    _, records = shuffled(12, orders=20)
    ids, live = [], []
    third = len(records) // 3
    for n in range(3):
        await take(alerts_room, records[n * third : (n + 1) * third])
        for _ in range(2):  # two in a row, with nothing between
            live.append(await figures(bare_client, **DAYS))
            ids.append((await publish(bare_client))["publication_id"])
    await take(alerts_room, records[3 * third :])
    for id_, then in zip(ids, live, strict=True):
        assert await figures(bare_client, publication_id=id_) == then


@pytest.mark.parametrize("rate", RATES)
async def test_the_frozen_evidence_adds_up_to_the_frozen_figure(
    alerts_room: Room, bare_client: httpx2.AsyncClient, rate: str
) -> None:
    _, records = shuffled(13)
    await register(alerts_room, REGISTERS)
    await take(alerts_room, records[:200])
    id_ = (await publish(bare_client))["publication_id"]
    await take(alerts_room, records[200:])
    cards = await items_of(bare_client, CARDS, CITY, subject="product", publication_id=id_)
    cards.append((await fetch(bare_client, TOTAL, publication_id=id_, role="selected")).json())
    for card in cards:
        if card["subject"] == "product" and card["id"] != "P1":
            continue  # not registered
        actor = BUREAU if card["subject"] == "total" else CITY
        assert f"publication_id={id_}" in card["evidence"]
        lines = await pages(bare_client, f"{card['evidence']}&rate={rate}&limit=7", actor)
        for part in ("numerator", "denominator"):
            assert sum(line[part] for line in lines) == card["rates"][rate][part]


async def pages(client: httpx2.AsyncClient, url: str, actor: str) -> list[Any]:
    page = await get(client, url, actor)
    items = list(page["items"])
    while page["next"] is not None:
        page = await get(client, f"{url}&after={page['next']}", actor)
        items += page["items"]
    return items


async def test_names_and_registrations_are_those_of_the_publication(
    alerts_room: Room, bare_client: httpx2.AsyncClient
) -> None:
    _, records = shuffled(14)
    await register(alerts_room, REGISTERS)
    await take(alerts_room, records)
    id_ = (await publish(bare_client))["publication_id"]
    later = [
        registered("organisation", ONE, 3, name="新名", kinds=["distributor"]),
        registered("organisation", TWO, 2, name="乙", kinds=["distributor"]),
    ]
    await register(alerts_room, later)
    asked = {"subject": "distributor", "publication_id": id_}
    (card,) = (await get(bare_client, CARDS, id=ONE, **asked))["items"]
    assert card["name"] == "甲配送"
    assert await refused(bare_client, CARDS, id=TWO, **asked) == (404, "unknown_subject")
    assert await refused(bare_client, EVIDENCE, id=TWO, **asked) == (404, "unknown_subject")
    (now,) = (await get(bare_client, CARDS, subject="distributor", id=ONE))["items"]
    assert now["name"] == "新名"


async def test_the_roots_are_those_of_what_is_answered(
    alerts_room: Room, bare_client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.alerts.api.frozen._AT_ONCE", 7)  # so that there are many pages
    _, records = shuffled(15)
    await register(alerts_room, REGISTERS)
    await take(alerts_room, records)
    published = await publish(bare_client)
    named = {"publication_id": published["publication_id"]}
    cards: list[Any] = []
    for kind in KINDS:
        cards += await items_of(bare_client, CARDS, subject=kind, **named)
    cards += (await get(bare_client, TOTAL, **named))["items"]
    evidence: list[Any] = []
    for rate in DEFINITIONS:
        evidence += await items_of(bare_client, EVIDENCE, subject="total", rate=rate, **named)
    assert len(cards) > 10
    assert len(evidence) > 100
    assert published["root"] == root(sha256(canonical(one)).hexdigest() for one in cards)
    expected = root(sha256(canonical(one)).hexdigest() for one in evidence)
    assert published["evidence_root"] == expected


async def test_a_publication_of_nothing_has_roots_too(bare_client: httpx2.AsyncClient) -> None:
    published = await publish(bare_client)
    assert published["evidence_root"] == root([])
    total = (await get(bare_client, TOTAL, publication_id=published["publication_id"]))["items"][0]
    assert published["root"] == root([sha256(canonical(total)).hexdigest()])


async def test_the_list_has_every_publication_by_id_and_page_by_page(
    bare_client: httpx2.AsyncClient,
) -> None:
    issued = [await publish(bare_client, window) for window in ("2026-02", "30d", "2026-01", "30d")]
    ids = [one["publication_id"] for one in issued]
    assert ids == ["PUB-2026-02-000001", "PUB-30d-000002", "PUB-2026-01-000003", "PUB-30d-000004"]
    by_id = sorted(issued, key=lambda one: str(one["publication_id"]))
    assert await items_of(bare_client, PUBLICATIONS) == by_id
    assert await items_of(bare_client, PUBLICATIONS, limit=3) == by_id
    for one in issued:
        assert await get(bare_client, f"{PUBLICATIONS}/{one['publication_id']}") == one


async def test_a_publication_says_everything_that_is_promised(
    bare_client: httpx2.AsyncClient,
) -> None:
    published = await publish(bare_client, "2026Q1", "2026-02-15")
    assert published == published | {
        "publication_id": "PUB-2026Q1-000001",
        "window": "2026Q1",
        "as_of": "2026-02-15",
        "known_at": "2026-03-31T16:00:00Z",
    }
    assert published["policy_version"]
    assert published["calendar_version"]
    card = await get(bare_client, TOTAL, publication_id="PUB-2026Q1-000001")
    assert card["window"] == {"from": "2026-01-01", "to": "2026-02-15"}
    assert card["known_at"] == published["known_at"]
    assert card["policy_version"] == published["policy_version"]


async def test_the_score_is_by_the_terms_of_the_publication(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = (await publish(client))["publication_id"]
    before = await get(client, TOTAL, publication_id=id_)

    def doubled(policy: Policy) -> dict[str, Term]:
        terms = score_terms(policy).items()
        return {rate: msgspec.structs.replace(t, weight=2 * t.weight) for rate, t in terms}

    monkeypatch.setattr("services.alerts.api.basis.score_terms", doubled)
    assert await get(client, TOTAL, publication_id=id_) == before
    assert (await get(client, TOTAL, **DAYS))["score"] != before["score"]

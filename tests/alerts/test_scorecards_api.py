"""Scorecards and evidence over HTTP: what is answered, to whom, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from services.alerts.policy import DEFINITIONS, RATES
from tests.alerts import province
from tests.alerts.doors import (
    BUREAU,
    CARDS,
    CITY,
    COUNTY,
    EVIDENCE,
    ONE,
    RECORDS,
    THREE,
    TOTAL,
    TWO,
    get,
    refused,
)


async def test_a_scorecard_says_everything_that_is_promised(client: httpx2.AsyncClient) -> None:
    page = await get(client, CARDS, subject="distributor", id=ONE, window="2026Q1")
    assert page["next"] is None
    (item,) = page["items"]
    assert (item["subject"], item["id"], item["name"]) == ("distributor", ONE, "甲配送")
    assert item["window"] == {"from": "2026-01-01", "to": "2026-03-31"}
    assert list(item["rates"]) == list(RATES)
    assert item["definitions"] == DEFINITIONS
    assert item["known_at"] == "2026-03-31T16:00:00Z"
    assert item["policy_version"]
    assert item["without_data"] == ["feedback", "rectification"]
    assert item["rates"]["feedback"] == {"numerator": 0, "denominator": 0, "percent": None}
    assert item["rates"]["response"]["denominator"] > 0
    assert item["excused"] > 0
    assert item["back_entered"] > 0
    assert item["score"].count(".") == 1


async def test_the_default_window_is_the_thirty_days_to_yesterday(
    client: httpx2.AsyncClient,
) -> None:
    (item,) = (await get(client, CARDS, subject="distributor", id=ONE))["items"]
    assert item["window"] == {"from": "2026-03-02", "to": "2026-03-31"}


async def test_a_registered_subject_without_lines_has_zeros_and_no_score(
    client: httpx2.AsyncClient,
) -> None:
    page = await get(client, CARDS, subject="distributor", id=ONE, window="2025")
    (item,) = page["items"]
    assert item["rates"]["response"] == {"numerator": 0, "denominator": 0, "percent": None}
    assert item["score"] is None
    everyone = await get(client, CARDS, subject="distributor", window="2025")
    assert everyone == {"items": [], "next": None}


async def test_pages_join_to_the_whole_list(client: httpx2.AsyncClient) -> None:
    whole = await get(client, CARDS, subject="product", window="2026Q1")
    assert [item["id"] for item in whole["items"]] == sorted(province.PRODUCTS)
    joined: list[Any] = []
    query: dict[str, Any] = {}
    while True:
        page = await get(client, CARDS, subject="product", window="2026Q1", limit=4, **query)
        joined += page["items"]
        if page["next"] is None:
            break
        query = {"after": page["next"]}
    assert [item["rates"] for item in joined] == [item["rates"] for item in whole["items"]]


async def test_the_total_is_one_item_and_the_sum_of_the_distributors(
    client: httpx2.AsyncClient,
) -> None:
    total = await get(client, TOTAL, window="2026Q1", category="drug")
    assert total["items"][0]["rates"] == total["rates"]
    assert (total["subject"], total["id"]) == ("total", "total")
    each = await get(client, CARDS, subject="distributor", window="2026Q1", category="drug")
    for rate in RATES:
        for part in ("numerator", "denominator"):
            together = sum(item["rates"][rate][part] for item in each["items"])
            assert together == total["rates"][rate][part]


@pytest.mark.parametrize("rate", RATES)
async def test_following_the_evidence_url_gives_the_figure(
    client: httpx2.AsyncClient, rate: str
) -> None:
    query = {"window": "2026-02", "division": "360100", "role": "selected", "category": "drug"}
    cards = [
        *(await get(client, CARDS, CITY, subject="distributor", **query))["items"],
        await get(client, TOTAL, CITY, **query),
    ]
    for card in cards:
        if card["id"] == TWO:
            continue  # a distributor by its lines, but not registered as one
        lines: list[Any] = []
        url = f"{card['evidence']}&rate={rate}&limit=5"
        page = await get(client, url, CITY)
        lines += page["items"]
        while page["next"] is not None:
            page = await get(client, f"{url}&after={page['next']}", CITY)
            lines += page["items"]
        figure = card["rates"][rate]
        assert sum(line["numerator"] for line in lines) == figure["numerator"]
        assert sum(line["denominator"] for line in lines) == figure["denominator"]
        for line in lines:
            assert line["outcome"] == (
                "hit" if line["numerator"] == line["denominator"] else "miss"
            )
            assert line["decided_by"]
            assert line["due_at"].endswith("Z")
            assert (line["line_id"] is None) is (rate == "response_orders_ytd")


async def test_who_may_see_what(client: httpx2.AsyncClient) -> None:
    hospital, own, other = "hospital:H36010200001", f"distributor:{ONE}", f"distributor:{TWO}"
    for url, query in ((CARDS, {"subject": "distributor"}), (TOTAL, {}), (EVIDENCE, {"x": 1})):
        assert await refused(client, url, hospital, **query) == (403, "forbidden")
    mine = await get(client, CARDS, own, subject="distributor", window="2026Q1")
    assert [item["id"] for item in mine["items"]] == [ONE]
    assert await get(client, CARDS, own, subject="distributor", window="2026Q1", id=ONE) == mine
    unknown = (404, "unknown_subject")
    assert await refused(client, CARDS, other, subject="distributor", id=ONE) == unknown
    assert await refused(client, CARDS, own, subject="manufacturer", id=ONE) == unknown
    assert await refused(client, CARDS, own, subject="product") == unknown
    assert await refused(client, TOTAL, own) == unknown
    assert await refused(client, EVIDENCE, own, subject="total") == unknown
    assert await refused(client, EVIDENCE, other, subject="distributor", id=ONE) == unknown
    evidence = await get(client, EVIDENCE, own, subject="distributor", window="2026Q1")
    assert evidence["items"]
    for actor in ("regulator:360000", "ops:360000", "importer:360000", "finance:360100"):
        everyone = await get(client, CARDS, actor, subject="distributor", window="2026Q1")
        assert len(everyone["items"]) == 3


async def test_a_bureau_looks_at_its_own_area(client: httpx2.AsyncClient) -> None:
    for bureau, division in ((CITY, "360100"), (COUNTY, "360102")):
        mine = await get(client, TOTAL, bureau, window="2026Q1")
        asked = await get(client, TOTAL, BUREAU, window="2026Q1", division=division)
        assert mine["rates"] == asked["rates"]
        assert f"division={division}" in mine["evidence"]
        for url, query in (
            (TOTAL, {}),
            (CARDS, {"subject": "distributor"}),
            (EVIDENCE, {"subject": "total"}),
        ):
            answer = await refused(client, url, bureau, division="360403", **query)
            assert answer == (403, "forbidden")
            assert (await refused(client, url, bureau, division="360000", **query))[0] == 403
    part = await get(client, TOTAL, CITY, window="2026Q1", division="360121")
    assert part["rates"]["response"]["denominator"] > 0


async def test_an_enterprise_may_be_both(client: httpx2.AsyncClient) -> None:
    for subject in ("distributor", "manufacturer"):
        (item,) = (await get(client, CARDS, subject=subject, id=THREE))["items"]
        assert item["name"] == "丙"
    (item,) = (await get(client, CARDS, subject="product", id="P1"))["items"]
    assert item["name"] == "氨氯地平"


async def test_a_window_in_the_year_one_is_no_fault(client: httpx2.AsyncClient) -> None:
    for query in ({"as_of": "0001-01-01"}, {"as_of": "0001-01-01", "window": "0001"}):
        card = await get(client, TOTAL, **query)
        assert card["rates"]["response"]["denominator"] == 0


async def test_a_closed_year_counts_the_orders_of_its_own_year(client: httpx2.AsyncClient) -> None:
    card = await get(client, TOTAL, window="2026-01", as_of="2026-02-15")
    rows = province.rows_of(RECORDS)
    orders = province.orders_of_the_year(rows, datetime(2026, 2, 15, tzinfo=UTC).date())
    figure = card["rates"]["response_orders_ytd"]
    assert (figure["numerator"], figure["denominator"]) == (sum(orders.values()), len(orders))

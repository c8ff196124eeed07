"""What is refused, with which code, and where it stands."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.alerts.doors import (
    BUREAU,
    CARDS,
    EVIDENCE,
    TOTAL,
    TWO,
    refused,
)


@pytest.mark.parametrize("id_", ["91360100MA35AB1C60", TWO, "nobody", "", "x" * 300])
async def test_an_id_not_registered_as_that_kind_is_unknown(
    client: httpx2.AsyncClient, id_: str
) -> None:
    for url in (CARDS, EVIDENCE):
        answer = await refused(client, url, subject="distributor", id=id_)
        assert answer == (404, "unknown_subject")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"window": "31d"}, "/window"),
        ({"window": "2026-13"}, "/window"),
        ({"as_of": "2026-2-1"}, "/as_of"),
        ({"as_of": "2026-02-30"}, "/as_of"),
        ({"category": "food"}, None),
        ({"division": "3601"}, None),
        ({"division": "36010x"}, None),
        ({"level": "fourth"}, None),
        ({"role": "main"}, None),
        ({"batch_id": "a\x00"}, "/batch_id"),
        ({"id": "a\x00b"}, "/id"),
        ({"limit": 0}, None),
        ({"limit": 1001}, None),
        ({"after": "bad"}, "/after"),
        ({"after": "WyJhXHUwMDAwIl0"}, "/after"),
    ],
)
async def test_bad_values_are_malformed_and_say_where(
    client: httpx2.AsyncClient, query: dict[str, Any], pointer: str | None
) -> None:
    answer = await client.get(
        CARDS, params={"subject": "distributor"} | query, headers={"X-Jicai-Actor": BUREAU}
    )
    assert answer.status_code == 422
    document = answer.json()
    assert document["code"] == "malformed"
    (error,) = document["errors"]
    if pointer:
        assert error["pointer"] == pointer


@pytest.mark.parametrize(
    "query",
    [{"as_of": "2026-04-01"}, {"window": "2026-04"}, {"window": "2026Q2"}, {"window": "2027"}],
)
async def test_a_window_that_is_not_over_is_refused(
    client: httpx2.AsyncClient, query: dict[str, Any]
) -> None:
    for url, more in (
        (CARDS, {"subject": "product"}),
        (TOTAL, {}),
        (EVIDENCE, {"subject": "total"}),
    ):
        assert await refused(client, url, **query, **more) == (422, "window_not_complete")


async def test_what_is_missing_is_malformed(client: httpx2.AsyncClient) -> None:
    assert await refused(client, CARDS) == (422, "malformed")
    assert await refused(client, CARDS, subject="total") == (422, "malformed")
    assert await refused(client, EVIDENCE, subject="product") == (422, "malformed")
    assert await refused(client, EVIDENCE, subject="total", rate="speed") == (422, "malformed")
    assert await refused(client, EVIDENCE, subject="total", id="x") == (404, "unknown_subject")
    answer = await client.get(CARDS, params={"subject": "product"})
    assert answer.status_code == 401

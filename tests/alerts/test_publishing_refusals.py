"""What cannot be published, or asked of a publication, is refused with its code and its place."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.alerts.doors import CARDS, EVIDENCE, ONE, TOTAL, get, refused
from tests.alerts.publishing import PUBLICATIONS, ask, fetch, publish


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"window": "31d"}, "malformed", "/window"),
        ({"window": None}, "malformed", "/window"),
        ({"window": 30}, "malformed", "/window"),
        ({"window": "9" * 5000}, "malformed", "/window"),
        ({"window": "a\x00"}, "malformed", "/window"),
        ({"as_of": "2026-3-1"}, "malformed", "/as_of"),
        ({"as_of": None}, "malformed", "/as_of"),
        ({"as_of": ["2026-03-31"]}, "malformed", "/as_of"),
        ({"as_of": "2026-04-01"}, "window_not_complete", "/as_of"),
        ({"window": "2026-03", "as_of": "2026-02-28"}, "window_not_complete", "/window"),
    ],
)
async def test_what_cannot_be_published_is_refused(
    bare_client: httpx2.AsyncClient, body: dict[str, Any], code: str, pointer: str
) -> None:
    answer = await ask(bare_client, **body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("content", ["", "[]", "7", '"x"', "{}", "null", "{", '{"window": "30d"}'])
async def test_no_body_makes_a_500(bare_client: httpx2.AsyncClient, content: str) -> None:
    headers = {"X-Jicai-Actor": "bureau:360000", "Content-Type": "application/json"}
    answer = await bare_client.post(PUBLICATIONS, content=content, headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.json()["code"] in ("malformed", "malformed_json")


async def test_only_the_province_publishes_and_no_hospital_looks(
    client: httpx2.AsyncClient,
) -> None:
    id_ = (await publish(client))["publication_id"]
    for actor in ("bureau:360100", "regulator:360000", "ops:360000", f"distributor:{ONE}"):
        answer = await ask(client, actor, window="bad")
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert (await fetch(client, f"{PUBLICATIONS}/{id_}", actor)).status_code == 200
        assert (await fetch(client, PUBLICATIONS, actor)).json()["items"]
    for url in (PUBLICATIONS, f"{PUBLICATIONS}/{id_}", f"{PUBLICATIONS}/{id_}/restatements"):
        assert await refused(client, url, "hospital:H36010200001") == (403, "forbidden")


@pytest.mark.parametrize("id_", ["PUB-2026-02-000009", "PUB", "x" * 100, "a'b", "发布"])
async def test_an_unknown_publication_is_not_found(client: httpx2.AsyncClient, id_: str) -> None:
    unknown = (404, "unknown_publication")
    assert await refused(client, f"{PUBLICATIONS}/{id_}") == unknown
    assert await refused(client, f"{PUBLICATIONS}/{id_}/restatements") == unknown
    assert await refused(client, TOTAL, publication_id=id_) == unknown
    assert await refused(client, CARDS, subject="product", publication_id=id_) == unknown
    assert await refused(client, EVIDENCE, subject="total", publication_id=id_) == unknown


async def test_other_days_than_the_publication_s_are_malformed(client: httpx2.AsyncClient) -> None:
    id_ = (await publish(client))["publication_id"]
    right = {"window": "2026-02", "as_of": "2026-03-31"}
    asked = {"publication_id": id_}
    assert await get(client, TOTAL, **asked, **right) == await get(client, TOTAL, **asked)
    for name, value in (("window", "30d"), ("window", "bad"), ("as_of", "2026-03-30")):
        for url in (TOTAL, CARDS, EVIDENCE):
            answer = await client.get(
                url,
                params={"subject": "product", "id": "P1"} | asked | {name: value},
                headers={"X-Jicai-Actor": "bureau:360000"},
            )
            assert (answer.status_code, answer.json()["code"]) == (422, "malformed")
            assert answer.json()["errors"][0]["pointer"] == f"/{name}"

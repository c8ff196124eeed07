"""Questions over HTTP, and the small world they are asked about."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import httpx2
import msgspec

from shared.events.envelope import Record
from shared.events.reference import ResourcePut, reference_type
from shared.events.topics import REFERENCE
from shared.runtime.room import Room
from shared.runtime.web import create_app
from tests.alerts import province
from tests.alerts.facts import SENT

BUREAU = "bureau:360000"
CITY = "bureau:360100"
COUNTY = "bureau:360102"
ONE, TWO, THREE = province.DISTRIBUTORS
CARDS = "/alerts/v1/scorecards"
TOTAL = "/alerts/v1/scorecards/total"
EVIDENCE = "/alerts/v1/evidence"


def registered(kind: str, id_: str, version: int = 1, **body: Any) -> Record:
    return Record(
        topic=REFERENCE,
        stream=f"{kind}-{id_}",
        version=version,
        source="urn:jicai:360000",
        event_id=f"{kind}-{id_}-{version}",
        type=reference_type(kind),
        occurred_at=SENT,
        recorded_at=SENT,
        fact=msgspec.json.encode(ResourcePut(kind=kind, id=id_, body=body)),
    )


RECORDS = province.some_records(Random(21), 200)
REGISTERS = [
    registered("organisation", ONE, name="旧名", kinds=["distributor"], division="360100"),
    registered("organisation", ONE, 2, name="甲配送", kinds=["distributor"], division="360100"),
    registered("organisation", TWO, name="乙", kinds=["manufacturer"], division="360100"),
    registered("organisation", THREE, name="丙", kinds=["distributor", "manufacturer"]),
    registered("product", "P1", name="氨氯地平", category="drug"),
]


@asynccontextmanager
async def doors_of(room: Room) -> AsyncIterator[httpx2.AsyncClient]:
    """The doors of any room."""

    async def ready() -> dict[str, str]:
        return {}

    app = create_app({"alerts": room}, trust_actor_header=True, readiness=ready)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="http://alerts"
    ) as client:
        yield client


async def get(client: httpx2.AsyncClient, url: str, actor: str = BUREAU, **query: Any) -> Any:
    answer = await client.get(url, params=query or None, headers={"X-Jicai-Actor": actor})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(
    client: httpx2.AsyncClient, url: str, actor: str = BUREAU, **query: Any
) -> tuple[int, str]:
    answer = await client.get(url, params=query or None, headers={"X-Jicai-Actor": actor})
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]

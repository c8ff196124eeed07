"""Publishing in tests: issue, ask everything that can be asked, follow pages to their end."""

from __future__ import annotations

from typing import Any

import httpx2

from services.alerts.policy import RATES
from tests.alerts.doors import BUREAU, CARDS, EVIDENCE, TOTAL

PUBLICATIONS = "/alerts/v1/publications"
KINDS = ("distributor", "manufacturer", "product")
FILTERS: tuple[dict[str, str], ...] = (
    {},
    {"category": "drug"},
    {"division": "360100", "role": "selected"},
    {"batch_id": "B1", "level": "primary"},
)


async def publish(
    client: httpx2.AsyncClient, window: str = "2026-02", as_of: str = "2026-03-31"
) -> dict[str, Any]:
    answer = await client.post(
        PUBLICATIONS,
        json={"window": window, "as_of": as_of},
        headers={"X-Jicai-Actor": BUREAU},
    )
    assert answer.status_code == 201, answer.text
    published: dict[str, Any] = answer.json()
    assert published["state"] == "issued"
    return published


async def ask(client: httpx2.AsyncClient, actor: str = BUREAU, **body: Any) -> Any:
    """The answer to an attempt to publish, whatever it is."""
    return await client.post(
        PUBLICATIONS,
        json={"window": "2026-02", "as_of": "2026-03-31"} | body,
        headers={"X-Jicai-Actor": actor},
    )


async def fetch(client: httpx2.AsyncClient, url: str, actor: str = BUREAU, **query: Any) -> Any:
    answer = await client.get(url, params=query or None, headers={"X-Jicai-Actor": actor})
    assert answer.status_code == 200, answer.text
    return answer


async def items_of(
    client: httpx2.AsyncClient, url: str, actor: str = BUREAU, **query: Any
) -> list[dict[str, Any]]:
    """Every page, joined."""
    page = (await fetch(client, url, actor, **query)).json()
    items = page["items"]
    while page["next"] is not None:
        page = (await fetch(client, url, actor, **query, after=page["next"])).json()
        items += page["items"]
    return list(items)


async def everything(client: httpx2.AsyncClient, publication_id: str) -> list[bytes]:
    """The bytes of the answers of a publication, with and without filters."""
    asked: list[tuple[str, dict[str, str]]] = [
        (f"{PUBLICATIONS}/{publication_id}", {}),
    ]
    named = {"publication_id": publication_id, "limit": "1000"}
    for filters in FILTERS:
        asked += [(CARDS, {"subject": kind} | named | filters) for kind in KINDS]
        asked += [(TOTAL, {"publication_id": publication_id} | filters)]
    for rate in RATES:
        asked += [(EVIDENCE, {"subject": "total", "rate": rate} | named)]
        asked += [(EVIDENCE, {"subject": "product", "id": "P1", "rate": rate} | named)]
    return [(await fetch(client, url, **query)).content for url, query in asked]


async def figures(client: httpx2.AsyncClient, actor: str = BUREAU, **query: str) -> dict[Any, Any]:
    """Every rate of every subject and of the total: (kind, id, rate) -> rate."""
    cards = []
    for kind in KINDS:
        cards += await items_of(client, CARDS, actor, subject=kind, limit=1000, **query)
    cards.append((await fetch(client, TOTAL, actor, **query)).json())
    return {
        (card["subject"], card["id"], rate): card["rates"][rate] for card in cards for rate in RATES
    }

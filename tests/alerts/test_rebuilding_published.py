"""What was published stands for ever, also where a rebuild finds that it was wrong."""

from __future__ import annotations

import httpx2

from services.alerts.app import service as alerts
from services.alerts.policy import RATES
from tests.alerts.doors import CARDS, EVIDENCE, TOTAL, doors_of
from tests.alerts.living import town
from tests.alerts.publishing import KINDS, PUBLICATIONS, fetch, figures, items_of, publish
from tests.alerts.rebuilding import rebuilt
from tests.oracle.alarms import alarming_history

HISTORY = alarming_history(5, orders=40, days=20)
WINDOW = {"window": "2026-02", "as_of": "2026-03-05"}
RESTATED = "/alerts/v1/publications/{}/restatements"


async def test_a_publication_answers_the_same_bytes_and_the_correction_is_told(
    database: str,
) -> None:
    async with town(database, HISTORY) as one, doors_of(one.alerts) as client:
        await one.live(HISTORY, punctual=True)
        right = await figures(client, **WINDOW)
        await one.alerts.pool.execute(
            "UPDATE lines SET on_time = false, on_time_first = false WHERE on_time AND first_day > '2026-02-10'"
        )
        wrong = await figures(client, **WINDOW)
        assert wrong != right
        id_ = (await publish(client, **WINDOW))["publication_id"]
        later = (await publish(client, "2026-02", "2026-03-06"))["publication_id"]
        published = await _answers(client, id_), await _answers(client, later)
        assert await figures(client, publication_id=id_) == wrong
        report = await rebuilt(database, alerts)
        assert report.differing["lines"] > 0
        assert await figures(client, **WINDOW) == right
        assert (await _answers(client, id_), await _answers(client, later)) == published
        told = await items_of(client, RESTATED.format(id_))
        assert {item["rate"] for item in told} >= {"on_time"}
        # Rows that nobody touched belong to the publications as before, now and after the next one.
        again = await rebuilt(database, alerts)
        assert set(again.differing.values()) == {0}
        assert (await _answers(client, id_), await _answers(client, later)) == published


async def _answers(client: httpx2.AsyncClient, publication_id: str) -> list[bytes]:
    """The bytes of what a publication says of itself, of every subject and line by line."""
    named = {"publication_id": publication_id, "limit": "1000"}
    asked = [(f"{PUBLICATIONS}/{publication_id}", {}), (TOTAL, {"publication_id": publication_id})]
    asked += [(CARDS, {"subject": kind} | named) for kind in KINDS]
    asked += [(EVIDENCE, {"subject": "total", "rate": rate} | named) for rate in RATES]
    return [(await fetch(client, url, **query)).content for url, query in asked]

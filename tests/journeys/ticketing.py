"""Tickets over HTTP: what each party does with one, and what each of them then reads."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.journeys.goods import DISTRIBUTOR, HOSPITAL, OPS, PROVINCE, D, H, Json
from tests.journeys.market import Market

COUNTY, CITY = "bureau:360102", "bureau:360100"
LADDER = (("county", COUNTY), ("city", CITY), ("province", PROVINCE))
PARTIES = (HOSPITAL, DISTRIBUTOR, COUNTY, CITY, PROVINCE)
PATH = "/feedback/v1/tickets"


class Tickets:
    """The tickets of one hospital, about one product, to one distributor."""

    def __init__(self, market: Market) -> None:
        self.market = market

    def open(self, name: str, **words: Any) -> str:
        """A new ticket; returns its id."""
        ticket_id = f"{H}-{name}"
        body = {
            "ticket_id": ticket_id, "hospital_id": H, "product_id": "P", "addressees": [D],
            "category": "short_supply", "description": "缺货", **words,
        }  # fmt: skip
        answer = self.market[HOSPITAL].post(PATH, json=body)
        assert answer.status_code == 201, answer.text
        return ticket_id

    def act(self, actor: str, ticket_id: str, name: str, **words: Any) -> Json:
        """One act that is taken; the ticket behind it."""
        answer = self.market[actor].post(f"{PATH}/{ticket_id}/{name}", json=words)
        assert answer.status_code == 200, answer.text
        document: Json = answer.json()
        return document

    def reply(self, ticket_id: str, promised_at: str) -> Json:
        return self.act(DISTRIBUTOR, ticket_id, "reply", promised_at=promised_at)

    def solved(self, ticket_id: str) -> Json:
        return self.act(DISTRIBUTOR, ticket_id, "solved")

    def measure(self, actor: str, ticket_id: str) -> Json:
        return self.act(actor, ticket_id, "supervise", measure="约谈", note="限期恢复供应")

    def view(self, ticket_id: str, actor: str = OPS) -> Json:
        return self._get(actor, f"{PATH}/{ticket_id}")

    def history(self, ticket_id: str) -> list[tuple[str, datetime, str | None, str | None, str]]:
        """Every step as (type, at, from, to, by)."""
        steps = self.view(ticket_id)["history"]
        return [(s["type"], instant(s["at"]), s["from"], s["to"], s["by"]) for s in steps]

    def deadlines(self, ticket_id: str) -> list[Json]:
        items: list[Json] = self._get(OPS, f"{PATH}/{ticket_id}/deadlines")["items"]
        return items

    def waiting(self, ticket_id: str) -> dict[str, str]:
        """Whose list shows the ticket, and what it asks of them."""
        found = {}
        for actor in PARTIES:
            for item in self._get(actor, "/feedback/v1/waiting", limit="1000")["items"]:
                if item["ticket_id"] == ticket_id:
                    assert actor not in found, "a list shows a ticket once"
                    found[actor] = item["waits_for"]
        return found

    def facts(self, *ticket_ids: str, actor: str = OPS) -> list[Json]:
        """The facts of these tickets as /feedback/v1/changes gives them to this reader."""
        items: list[Json] = []
        after: dict[str, str] = {}
        while True:
            page = self._get(actor, "/feedback/v1/changes", limit="1000", **after)
            if not page["items"]:
                return [one for one in items if one["data"].get("ticket_id") in ticket_ids]
            items += page["items"]
            after = {"after": page["next"]}

    def _get(self, actor: str, path: str, **query: str) -> Json:
        answer = self.market[actor].get(path, params=query)
        assert answer.status_code == 200, (actor, path, answer.text)
        document: Json = answer.json()
        return document


def instant(text: str) -> datetime:
    """An instant, however it is written."""
    return datetime.fromisoformat(text)

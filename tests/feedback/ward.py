"""Tickets of one hospital, through the doors of a sandbox: opened, acted on, read."""

from __future__ import annotations

from itertools import count
from typing import Any

import httpx2

from tests.journeys.small_town import DISTRIBUTOR, HOSPITAL, MAKER, TICKET, Town

BY_HOSPITAL, BY_DISTRIBUTOR = f"hospital:{HOSPITAL}", f"distributor:{DISTRIBUTOR}"
BY_MAKER = f"manufacturer:{MAKER}"
COUNTY, CITY, PROVINCE = "bureau:360102", "bureau:360100", "bureau:360000"
START = "2026-03-02T09:00:00+08:00"
"""A Monday of a month without holidays."""

_numbers = count(1)


class Ward(Town):
    """A town in which tickets are opened under fresh ids."""

    def opened(self, **changes: Any) -> str:
        """A new ticket's id."""
        ticket_id = f"{HOSPITAL}-W{next(_numbers):03}"
        answer = self.open({**TICKET, "ticket_id": ticket_id, "order_ids": [], **changes})
        assert answer.status_code == 201, answer.text
        return ticket_id

    def act(self, actor: str, ticket_id: str, name: str, **how: Any) -> httpx2.Response:
        """One act, whatever becomes of it."""
        return self.client(actor).post(f"/feedback/v1/tickets/{ticket_id}/{name}", **how)

    def done(self, actor: str, ticket_id: str, name: str, **words: Any) -> dict[str, Any]:
        """One act that is taken; the ticket behind it."""
        answer = self.act(actor, ticket_id, name, json=words)
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def replied(self, promised_at: str, **changes: Any) -> str:
        """A new ticket's id, replied to."""
        ticket_id = self.opened(**changes)
        self.done(BY_DISTRIBUTOR, ticket_id, "reply", promised_at=promised_at)
        return ticket_id

    def solved(self, **changes: Any) -> str:
        """A new ticket's id, said to be solved."""
        ticket_id = self.opened(**changes)
        self.done(BY_DISTRIBUTOR, ticket_id, "solved")
        return ticket_id

    def view(self, ticket_id: str, actor: str = BY_HOSPITAL) -> dict[str, Any]:
        document: dict[str, Any] = self.get(f"/feedback/v1/tickets/{ticket_id}", actor)
        return document


def fault(answer: httpx2.Response) -> tuple[int, str, str | None]:
    """Status, code, and the place of the first fault that has one."""
    document = answer.json()
    errors = document["errors"]
    return answer.status_code, document["code"], errors[0]["pointer"] if errors else None

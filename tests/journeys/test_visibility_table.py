"""Section 2 as a table: every endpoint of /openapi.json by every kind of caller, right and wrong."""

from __future__ import annotations

from typing import Any

import pytest

from shared.testing.sandbox import running_sandbox
from tests.journeys.december import deliver
from tests.journeys.goods import HOSPITAL, PROVINCE, D, H, line
from tests.journeys.market import Market
from tests.journeys.visibility_rows import ACTORS, DEMAND, ROWS, TICKET, Row

PLAYED_ON = ("log",)
"""`test_visibility` looks on both buses; this asks every door, and a door asks its own tables."""


class Scene:
    """H's order that D never answers: its list, its alert; and H's tickets, the first of them closed."""

    def __init__(self, market: Market) -> None:
        self.market = market
        lines = [line(f"L{n}") for n in range(12)]
        tale = market.tale()
        assert tale.place(lines=lines)["status"] == "accepted"
        for ticket_id in (f"{H}-T0", f"{H}-T1"):
            opened = market[HOSPITAL].post(
                "/feedback/v1/tickets", json={**TICKET, "ticket_id": ticket_id}
            )
            assert opened.status_code == 201, opened.text
        self._ask("POST", f"/feedback/v1/tickets/{H}-T0/close", json={"reason": "重复提交"})
        assert market[PROVINCE].put("/orders/v1/demand-reports/R", json=DEMAND).status_code == 200
        deliver(market)
        market.sandbox.move("2026-01-08T10:00:00+08:00")
        made = self._ask(
            "POST", "/alerts/v1/publications", json={"window": "2026-01", "as_of": "2026-01-07"}
        )
        self.ids = {
            "order": tale.order_id,
            "alert": self._first("alerts", "alert_id", subject="distributor", subject_id=D),
            "list": self._first("late-response-lists", "list_id", distributor_id=D),
            "publication": made["publication_id"],
            "entry": self._offset(),
            **self._statement(),
        }

    def _statement(self) -> dict[str, str]:
        """That delivery's statement, and a dispute of its second line."""
        [one] = self._ask("GET", "/settlement/v1/statements")["items"]
        said = {"line_ids": [one["lines"][1]["line_id"]], "reason": "数量不符"}
        path = f"/settlement/v1/statements/{one['statement_id']}/dispute"
        made = self.market[HOSPITAL].post(path, json=said)
        assert made.status_code == 201, made.text
        return {"statement": one["statement_id"], "dispute": made.json()["dispute_id"]}

    def _offset(self) -> str:
        """An entry of H's in the ledger."""
        said = {"offset_id": "OFFSET-1", "hospital_id": H, "amount_fen": 1}
        answer = self.market["finance:360100"].post("/settlement/v1/offsets", json=said)
        assert answer.status_code == 201, answer.text
        entry_id: str = answer.json()["entry_id"]
        return entry_id

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        answer = self.market[PROVINCE].request(method, path, **options)
        assert answer.is_success, answer.text
        return answer.json()

    def _first(self, kind: str, id_: str, **wanted: str) -> str:
        items = self._ask("GET", f"/alerts/v1/{kind}", params=wanted)["items"]
        assert items, f"no {kind}: the scene does not say what it should"
        first: str = items[0][id_]
        return first

    def status(self, row: Row, actor: str | None, **headers: str) -> int:
        """The status alone: a stream has no end to wait for."""
        path = row.at.format(**self.ids)
        options: dict[str, Any] = {"params": row.query, "headers": headers}
        if row.text is not None:
            options["content"] = row.text.encode()
            headers["content-type"] = "text/csv"
        elif row.json is not None:
            options["json"] = row.json
        with self.market[actor].stream(row.method, path, **options) as answer:
            status: int = answer.status_code
            return status


@pytest.fixture(scope="module")
def scene(bus):
    with running_sandbox() as sandbox:
        yield Scene(Market(sandbox))


def test_every_endpoint_has_its_row(scene):
    """A new endpoint says who may ask it before it is merged."""
    documented = scene.market[None].get("/openapi.json").json()["paths"]
    offered = {(m.upper(), path) for path, methods in documented.items() for m in methods}
    told = {(row.method, row.path) for row in ROWS}
    assert offered - told == set()
    assert told - offered == set()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.at}")
def test_each_caller_gets_its_status(scene, row):
    statuses = {name: scene.status(row, actor) for name, actor in ACTORS.items()}
    assert statuses == {name: row.expected(name) for name in ACTORS}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.at}")
def test_a_malformed_actor_is_nobody(scene, row):
    for actor in ("hospital:1", "auditor:360000", "ops:360100", "bureau"):
        assert scene.status(row, None, **{"X-Jicai-Actor": actor}) == row.expected("nobody"), actor

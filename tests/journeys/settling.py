"""Plays a settling season against a sandbox and the brute-force office side by side, and compares.

Ids are each side's own: `Names` finds the product's by what a thing is. What is compared is what the
contract fixes: answers, statements, disputes, what is unmatched, every account.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from shared.testing.sandbox import Sandbox
from tests.journeys.playing import Players
from tests.oracle.settling.desk import BASE, request
from tests.oracle.settling.naming import Names, plain, statement_key
from tests.oracle.settling.office import Office
from tests.oracle.settling.seasons import Played, Season, play

OPS = "ops:360000"
PROVINCE = "bureau:360000"
NAMING = ("/statements", "/disputes", "/bank-results", "/entries")
"""Requests that name a thing by an id which is the product's own."""


@dataclass
class Town:
    """A sandbox beside the oracle's office."""

    sandbox: Sandbox
    players: Players
    names: Names = field(default_factory=Names)
    drafted: int = 0
    compared: int = 0

    def items(self, path: str, **query: Any) -> list[Any]:
        """A whole list of the product's, as operations see it."""
        found: list[Any] = []
        after: dict[str, str] = {}
        while True:
            answer = self.players[OPS].get(BASE + path, params={**query, **after})
            assert answer.status_code == 200, answer.text
            document = answer.json()
            found += document["items"]
            if document["next"] is None:
                return found
            after = {"after": document["next"]}

    def do(self, played: Played) -> None:
        """One step, answered as the oracle answers it."""
        step = played.step
        if step[0] == "clock":
            self.sandbox.move(step[1].isoformat())
        elif step[0] == "post":
            answer = self.players[step[1]].post("/orders/v1/events", json=step[2])
            said = [one.get("code") or one["status"] for one in answer.json()["results"]]
            assert said == played.codes, f"{played.office.now}: {step}\n{answer.text}"
        else:
            self._ask(played)

    def _ask(self, played: Played) -> None:
        _, actor, method, path, body = played.step
        if path.startswith(NAMING):
            self.learn(played)
        asked = (method, BASE + self.names.turned(path), self.names.turned(body))
        answer = self.players[actor].request(asked[0], asked[1], json=asked[2])
        assert played.answer is not None
        told = f"at {played.office.now}: {played.step}\nproduct: {answer.status_code} {answer.text}"
        assert answer.status_code == played.answer.status, f"{told}\noracle: {played.answer}"
        document = answer.json()
        if played.answer.code is not None:
            assert document.get("code") == played.answer.code, told
        if "results" in document:
            ours = [(one["status"], one["code"]) for one in played.answer.body["results"]]
            theirs = [(one["status"], one["code"]) for one in document["results"]]
            for mine, other in zip(ours, theirs, strict=True):
                assert mine[0] == other[0], told
                assert mine[1] in (None, other[1]), told
        if path.endswith("/dispute") and answer.status_code == 201:
            self.names.learn_dispute(played.answer.body, document)

    def learn(self, played: Played) -> None:
        """Which of the product's things are ours, before one of them is named."""
        office = played.office
        self.names.learn_statements(documents(office), self.items("/statements"))
        if played.step[3].startswith("/entries"):
            mine = [one.document() for one in office.ledger.entries]
            if played.answer is not None and played.answer.status == 200:
                # What this very step has posted is not there yet.
                mine = [
                    one
                    for one in mine
                    if one["reverses"] is None or one["entry_id"] in self.names.theirs
                ]
            self.names.learn_entries(mine, self.items("/entries"))

    def compare(self, office: Office) -> None:
        """Statements, disputes, the unmatched and every account are the oracle's."""
        self.sandbox.settle()
        told = f"at {office.now}"
        mine, theirs = documents(office), self.items("/statements")
        assert by_key(theirs) == by_key(mine), told
        self.names.learn_statements(mine, theirs)
        overdue = by_key(self.items("/statements", overdue="true"))
        assert overdue == by_key(asked(office, "/statements?overdue=true")), told
        ours = [
            (one["order_id"], one["receipt_id"], one["order_line_id"], one["reason"])
            for one in asked(office, "/unmatched")
        ]
        others = [
            (one["order_id"], one["receipt_id"], one["order_line_id"], one["reason"])
            for one in self.items("/unmatched")
        ]
        assert sorted(others) == sorted(ours), told
        for name in office.ledger.accounts():
            answer = self.players[PROVINCE].get(f"{BASE}/accounts/{name}").json()
            account = office.ledger.account(name)
            assert {key: answer[key] for key in account} == account, told
        self.compared += 1


def documents(office: Office) -> list[Any]:
    """Every statement of the oracle's."""
    return asked(office, "/statements")


def asked(office: Office, path: str) -> list[Any]:
    """A list of the oracle's, as operations see it."""
    items: list[Any] = request(office, office.now, OPS, "GET", BASE + path).body["items"]
    return items


def by_key(statements: list[Any]) -> dict[Any, Any]:
    """What of statements can be compared, by what each is."""
    return {statement_key(one): plain(one) for one in statements}


def play_both(sandbox: Sandbox, told: Season) -> tuple[Town, Office]:
    """The whole season; compared whenever a draft has come, and at the end."""
    players = Players(sandbox)
    for path, body in told.puts:
        players.put(path, body)
    town = Town(sandbox, players)
    office = None
    for played in play(told):
        office = played.office
        town.do(played)
        if len(office.drafted) > town.drafted:
            town.drafted = len(office.drafted)
            town.compare(office)
    assert office is not None
    town.compare(office)
    return town, office

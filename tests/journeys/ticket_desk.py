"""Tickets in a sandbox beside the model that reads the contract: told the same, and compared.

`Desk` is a sandbox that outlives many plays; its time only goes forward, so each play opens tickets
of its own. `Pair` is one ticket of the product and of the model.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx2

from shared.testing.sandbox import running_sandbox
from tests.journeys.goods import OPS, PROVINCE, organisation, product
from tests.journeys.playing import Players
from tests.oracle import ticket_acts as wishes
from tests.oracle.calendar import local_day
from tests.oracle.ticket_days import shipped
from tests.oracle.ticket_parties import LEVELS, division, level_of
from tests.oracle.ticket_reading import document, unlike
from tests.oracle.ticket_town import CITY, COUNTY, PROVINCIAL, D, M
from tests.oracle.tickets import Ticket, Verdict
from tests.oracle.wire import parse_time

HOSPITALS = (COUNTY, CITY, PROVINCIAL)
BODIES: dict[str, Any] = {
    "supervise": {"measure": "约谈", "note": "限期三日内供货"},
    "close": {"reason": "已另行采购"},
}
_numbers = count(1)


class Desk:
    """A sandbox with three hospitals, a distributor and a maker, and its calendar as the model has it."""

    def __init__(self, now: str, data: Path | None = None) -> None:
        self._data = data
        self._running = ExitStack()
        self.now = parse_time(now)
        self._start()
        self._fill()
        self.calendar = replace(shipped(), version=self.year(self.now.year)["version"])

    def _start(self) -> None:
        self._sandbox = self._running.enter_context(
            running_sandbox(now=self.now.isoformat(), data=self._data)
        )
        self.players = Players(self._sandbox)

    def _fill(self) -> None:
        puts = [(f"organisations/{h}", organisation(["hospital"], h[1:7])) for h in HOSPITALS]
        puts += [
            (f"organisations/{D}", organisation(["distributor"], "360100")),
            (f"organisations/{M}", organisation(["manufacturer"], "360100")),
            ("products/P", product(M)),
        ]
        for path, body in puts:
            self.players.put(f"/orders/v1/{path}", body)

    def move(self, to: datetime) -> None:
        """Time goes on, or stands still."""
        self._sandbox.move(to.isoformat())
        self.now = to

    def restart(self) -> None:
        """`kill -9`, and again over the same data."""
        self._sandbox.kill()
        self._running.close()
        self._start()
        assert parse_time(self.get("/sandbox/v1/clock")["now"]) == self.now

    def load(self, year: int, days: list[dict[str, str]]) -> None:
        """The province announces a year."""
        answer = self.players[PROVINCE].put(f"/feedback/v1/calendar/{year}", json={"days": days})
        assert answer.status_code == 200, answer.text
        self.calendar = self.calendar.loaded(year, days, answer.json()["version"])

    def year(self, year: int) -> Any:
        """A year of the product's calendar."""
        return self.get(f"/feedback/v1/calendar/{year}")

    def get(self, path: str, actor: str = OPS) -> Any:
        """What somebody reads."""
        answer = self.players[actor].get(path)
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()

    def close(self) -> None:
        """Stop the sandbox."""
        self._running.close()


class Pair:
    """One ticket, here and in the model."""

    def __init__(self, desk: Desk, hospital: str = COUNTY, prominent: bool = False) -> None:
        self.desk, self.by = desk, f"hospital:{hospital}"
        self.ticket_id = f"{hospital}-T{next(_numbers)}"
        self.body: dict[str, Any] = {
            "ticket_id": self.ticket_id, "hospital_id": hospital, "product_id": "P",
            "addressees": [D, M], "category": "short_supply", "description": "两周未供货",
            "prominent": prominent,
        }  # fmt: skip
        self.path = f"/feedback/v1/tickets/{self.ticket_id}"
        assert self.open_again().status_code == 201
        self.model = Ticket(desk.calendar, hospital, [D, M], desk.now, self.by, prominent)

    def open_again(self, **changes: Any) -> httpx2.Response:
        """The opening, posted once more."""
        body = {**self.body, **changes}
        return self.desk.players[self.by].post("/feedback/v1/tickets", json=body)

    def act(self, wish: wishes.Act, *, twice: bool = False) -> httpx2.Response:
        """One POST, whose verdict must be the model's; `twice` sends it again under one key, and it is done once."""
        act = wishes.fitting(wish, self.model)
        now, kind = self.desk.now, act.kind
        actor, promised = wishes.actor(act, self.model), wishes.promised(act, self.model, now)
        body = BODIES.get(kind)
        if kind == "reply":
            body = {"promised_at": promised.isoformat()} if promised else {}
        meant = self.model.act(now, kind, actor, promised if kind == "reply" else None)
        client = self.desk.players[actor]
        headers = {"Idempotency-Key": f"{self.ticket_id}-{next(_numbers)}"} if twice else {}
        answer = client.post(f"{self.path}/{kind}", json=body, headers=headers)
        told = Verdict(answer.status_code, answer.json().get("code"))
        assert told == meant, f"{act} at {now}: {answer.text}"
        if twice:
            again = client.post(f"{self.path}/{kind}", json=body, headers=headers)
            assert again.headers["Idempotent-Replayed"] == "true"
            assert (again.status_code, again.content) == (answer.status_code, answer.content)
        return answer

    def compare(self) -> None:
        """State, history and deadlines are the model's, and the ladder was climbed step by step."""
        self.model.advance(self.desk.now)
        told, deadlines = self.told(), self.deadlines()
        where = f"{self.path} at {self.desk.now}"
        meant = document(self.model)
        assert {name: told[name] for name in meant} == meant, where
        assert unlike(deadlines, self.model) == [], f"{where}, after {self.model.history}"
        climbed_step_by_step(told, deadlines)

    def told(self) -> dict[str, Any]:
        """`GET .../{id}`, with instants read and of a step only what the contract names."""
        read: dict[str, Any] = self.desk.get(self.path)
        for name in ("promised_at", "solved_at", "opened_at", "closed_at"):
            read[name] = None if read[name] is None else parse_time(read[name])
        read["history"] = [_step(step) for step in read["history"]]
        return read

    def deadlines(self) -> list[dict[str, Any]]:
        """`GET .../{id}/deadlines`, the members that the contract names."""
        return [_item(item) for item in self.desk.get(f"{self.path}/deadlines")["items"]]

    def deadline(self, name: str) -> dict[str, Any]:
        """The only one of this name."""
        [found] = [item for item in self.deadlines() if item["name"] == name]
        return found


def move_all(desk: Desk, pairs: list[Pair], wait: wishes.Wait) -> None:
    """Time goes on for everybody."""
    models = [pair.model for pair in pairs]
    desk.move(wishes.instant(wait, desk.now, models))
    for model in models:
        model.advance(desk.now)


def load_all(desk: Desk, pairs: list[Pair], notice: wishes.Notice) -> None:
    """A year is announced to everybody."""
    year = wishes.year_of(notice, desk.now)
    load_days(desk, pairs, year, wishes.days_of(notice, year, local_day(desk.now)))


def load_days(desk: Desk, pairs: list[Pair], year: int, days: list[dict[str, str]]) -> None:
    """The same, with its days."""
    desk.load(year, days)
    for pair in pairs:
        pair.model.load(desk.now, desk.calendar)


def climbed_step_by_step(told: dict[str, Any], deadlines: list[dict[str, Any]]) -> None:
    """Escalation never skips a level, never repeats one, and never comes early."""
    hops = [s for s in told["history"] if s["type"] in ("supervision_began", "escalated")]
    if not hops:
        assert (told["level"], told["supervised"]) == (None, False)
        return
    first = LEVELS.index(level_of(division(told["hospital_id"])))
    ladder = LEVELS[first : first + len(hops)]
    assert [hop["to"] for hop in hops] == list(ladder), "skipped or repeated"
    assert [hop["from"] for hop in hops] == [None, *ladder[:-1]]
    assert [hop["type"] for hop in hops[1:]] == ["escalated"] * (len(hops) - 1)
    assert (told["level"], told["supervised"]) == (ladder[-1], True)
    at_once = {s["at"] for s in told["history"] if s["type"] == "reopened"}
    if told["prominent"]:
        at_once.add(told["opened_at"])
    waited = {
        item["due_at"]: sum(day["counted"] for day in item["days"])
        for item in deadlines
        if item["name"] == "level_due" and item["state"] == "passed"
    }
    for hop in hops[1:]:
        in_time = hop["at"] in at_once or waited.get(hop["at"]) == 3
        assert in_time, f"{hop} without three working days on the level"
    assert [s["type"] for s in told["history"]].count("province_overdue") <= 1


def _step(step: dict[str, Any]) -> dict[str, Any]:
    read = {name: step[name] for name in ("type", "from", "to", "by")}
    late = {"late": True} if step.get("late") else {}
    return {**read, "at": parse_time(step["at"]), **late}


def _item(item: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: item[name] for name in ("name", "state", "provisional", "calendar_version")},
        "from": parse_time(item["from"]),
        "due_at": parse_time(item["due_at"]),
        "days": [{n: day[n] for n in ("date", "counted", "reason")} for day in item["days"]],
    }

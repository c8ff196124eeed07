"""Plays a history against a running sandbox and the oracle side by side, and compares."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx2

from shared.testing.sandbox import Sandbox
from tests.oracle import reading
from tests.oracle.figures import Evidence, Question, evidence, scorecard, subjects
from tests.oracle.histories import REFERENCE_ACTOR, History
from tests.oracle.replay import Played, http_status, play
from tests.oracle.wire import SHANGHAI, parse_time


class Players:
    """One HTTP client per actor."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._clients: dict[str, httpx2.Client] = {}

    def __getitem__(self, actor: str) -> httpx2.Client:
        if actor not in self._clients:
            self._clients[actor] = self._sandbox.client(actor)
        return self._clients[actor]

    def put(self, path: str, body: Any) -> None:
        answer = self[REFERENCE_ACTOR].put(path, json=body)
        assert answer.status_code == 200, (path, body, answer.text)


def play_both(sandbox: Sandbox, history: History) -> tuple[Any, datetime, Players]:
    """Every verdict must be the oracle's; returns the model, the last instant, and the clients."""
    players = Players(sandbox)
    put_all(players, history)
    played = None
    for played in play(history):
        play_step(sandbox, players, played)
    assert played is not None
    return played.model, played.now, players


def put_all(players: Players, history: History) -> None:
    """The reference data of the beginning."""
    for path, body in history.puts:
        players.put(path, body)


def play_step(sandbox: Sandbox, players: Players, played: Played) -> None:
    """One step of a history; its verdicts must be the oracle's."""
    step = played.step
    if step[0] == "clock":
        sandbox.move(step[1].isoformat())
    elif step[0] == "put":
        players.put(step[1], step[2])
    elif step[0] == "ask":
        _ask(players[step[1]], played)
    else:
        _post(players[step[1]], step[2], played.verdicts, played.now)


def _ask(client: httpx2.Client, played: Played) -> None:
    """A step of a ticket is answered as the oracle answers it."""
    _, _, ticket_id, name, body = played.step
    path = "/feedback/v1/tickets" + ("" if name == "open" else f"/{ticket_id}/{name}")
    answer = client.post(path, json=body)
    told = f"at {played.now}: {played.step}\n product {answer.text}"
    assert answer.status_code == played.status, told


def _post(client: httpx2.Client, events: list[Any], verdicts: list[Any], now: datetime) -> None:
    answer = client.post("/orders/v1/events", json=events)
    assert answer.status_code == http_status(verdicts), (answer.text, verdicts)
    results = answer.json()["results"]
    for event, verdict, result in zip(events, verdicts, results, strict=True):
        told = (result["status"], result.get("code"), bool(result.get("retryable")))
        meant = (verdict.status, verdict.code, bool(verdict.retryable))
        assert told == meant, f"at {now}: {event}\n product {result}\n oracle {verdict}"


def compare_orders(players: Players, model: Any, now: datetime) -> int:
    """Every order reads as the oracle reads it."""
    model.advance(now)
    order_ids = sorted({fact.order_id for fact in model.facts})
    for order_id in order_ids:
        meant = reading.view(model, order_id)
        told = players["ops:360000"].get(f"/orders/v1/orders/{order_id}").json()
        _compare(meant, told, order_id)
    return len(order_ids)


def _compare(meant: Any, told: Any, where: str) -> None:
    if isinstance(meant, dict):
        for name, value in meant.items():
            if name == "event_id" and value is None:
                continue
            assert name in told, f"{where}/{name} is missing"
            _compare(value, told[name], f"{where}/{name}")
    elif isinstance(meant, list) and where.endswith("/flags"):
        assert sorted(told) == sorted(meant), where
    elif isinstance(meant, list):
        assert len(told) == len(meant), f"{where}: {told} is not {meant}"
        for n, (a, b) in enumerate(zip(meant, told, strict=True)):
            _compare(a, b, f"{where}/{n}")
    elif isinstance(meant, datetime):
        assert parse_time(told) == meant.astimezone(SHANGHAI), f"{where}: {told} is not {meant}"
    else:
        assert told == meant, f"{where}: {told!r} is not {meant!r}"


RATES = ("response", "answered", "on_time", "on_time_first", "delivery", "receipt",
         "feedback", "response_orders_ytd")  # fmt: skip


def parameters(question: Question) -> dict[str, str]:
    """The question as query parameters."""
    names = ("window", "as_of", "category", "division", "level", "role", "batch_id")
    return {name: str(value) for name in names if (value := getattr(question, name)) is not None}


def compare_figures(players: Players, model: Any, question: Question) -> int:
    """All scorecards of one kind, and the total, are the oracle's; returns how many."""
    client = players["ops:360000"]
    asked = parameters(question)
    if question.subject == "total":
        told = [_get(client, "/alerts/v1/scorecards/total", **asked)]
        ids = ["total"]
    else:
        ids = subjects(model, question)
        told = _get(
            client, "/alerts/v1/scorecards", subject=question.subject, limit="1000", **asked
        )["items"]
        assert [card["id"] for card in told] == sorted(ids), question
    for card in told:
        its = Question(**{**question.__dict__, "id": card["id"]})
        meant = scorecard(model, its)
        for name in (*meant["rates"],):
            a, b = card["rates"][name], meant["rates"][name]
            assert (a["numerator"], a["denominator"], a["percent"]) == (
                b["numerator"], b["denominator"], b["percent"],
            ), f"{its}: {name}: product {a}, oracle {b}"  # fmt: skip
        for name in ("excused", "back_entered", "score"):
            assert card[name] == meant[name], f"{its}: {name}: {card[name]} is not {meant[name]}"
        assert sorted(card["without_data"]) == sorted(meant["without_data"]), its
    return len(told)


def compare_evidence(players: Players, model: Any, question: Question) -> int:
    """The evidence behind each rate of one subject is the oracle's, line by line."""
    count, steps = 0, ticket_steps(players)
    for rate in RATES:
        told, after = [], None
        while True:
            page = _get(
                players["ops:360000"], "/alerts/v1/evidence", subject=question.subject,
                id=question.id, rate=rate, limit="37", **parameters(question),
                **({"after": after} if after else {}),
            )  # fmt: skip
            told += page["items"]
            after = page["next"]
            if after is None:
                break
        meant = evidence(model, question, rate)
        assert sorted(map(item_told, told)) == sorted(map(item_meant, meant)), (question, rate)
        for item in told:
            decided_by = {(cause["source"], cause["id"]) for cause in item["decided_by"]}
            assert decided_by, (question, rate, item)
            if rate == "feedback":
                named = {steps[cause] for cause in decided_by}
                assert {ticket for ticket, _ in named} == {item["ticket_id"]}, item
                assert (item["ticket_id"], "open") in named, item
        count += len(told)
    return count


STEPS = {"opened": "open", "replied": "reply", "solved": "solved", "reopened": "reopen"}


def ticket_steps(players: Players) -> dict[tuple[str, str], tuple[str, str]]:
    """Which step of which ticket each fact of the feedback service tells of, by source and id."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    after: dict[str, str] = {}
    while page := _get(players["ops:360000"], "/feedback/v1/changes", limit="1000", **after):
        for event in page["items"]:
            step = STEPS.get(event["type"].split(".")[2], "")
            found[event["source"], event["id"]] = event["data"].get("ticket_id", ""), step
        if not page["items"]:
            break
        after = {"after": page["next"]}
    return found


def item_told(item: Any) -> tuple[Any, ...]:
    """An item of evidence, of a line, an order or a ticket."""
    return (
        *(item.get("ticket_id") or item["order_id"], item.get("line_id") or ""),
        *(parse_time(item["due_at"]), item["outcome"]),
        *(int(item["numerator"]), int(item["denominator"])),
    )


def item_meant(item: Evidence) -> tuple[Any, ...]:
    """The same of the oracle's."""
    return (
        *(item.order_id, item.line_id or "", item.due_at, item.outcome),
        *(item.numerator, item.denominator),
    )


def _get(client: httpx2.Client, path: str, **parameters: str) -> Any:
    answer = client.get(path, params=parameters)
    assert answer.status_code == 200, (path, parameters, answer.text)
    return answer.json()

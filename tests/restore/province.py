"""A province to be lost and found again: orders, tickets, a month drafted and paid, and its documents."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.testing.sandbox import Sandbox
from tests.chaos.killing import wait_until
from tests.journeys.december import DRAFT, deliver
from tests.journeys.goods import D2, H2, OPS, D, H, Json
from tests.journeys.market import Market, Tale
from tests.journeys.ticketing import Tickets

S, A, F = "/settlement/v1", "/alerts/v1", "/feedback/v1"
KEEPER, CITY = "finance:360000/qian", "finance:360100/wu"
ACCOUNT = {
    "account_name": "江西某某医药有限公司", "account_number": "6222021502012345678",
    "bank_name": "工商银行南昌分行", "bank_code": "102421000013",
}  # fmt: skip
LISTS = (
    f"{S}/statements", f"{S}/accruals", f"{S}/unmatched", f"{S}/entries", f"{S}/payments",
    f"{S}/payment-files", f"{S}/payee-accounts", f"{S}/drafts", f"{S}/blocks", f"{S}/disputes",
    f"{F}/tickets", f"{A}/alerts", f"{A}/late-response-lists", f"{A}/closes", f"{A}/publications",
    f"{A}/scorecards?subject=distributor", f"{A}/scorecards?subject=product",
)  # fmt: skip
PAGES = (
    f"{A}/scorecards/total", f"{F}/calendar/2026", f"{A}/small-samples", f"{F}/audit", f"{S}/roots",
)  # fmt: skip


def played(sandbox: Sandbox) -> tuple[Market, list[Tale]]:
    """December is paid for one pair and drafted for another; January has orders and a ticket."""
    market = Market(sandbox)
    tales = [deliver(market), deliver(market, H2, D2, lines=1)]
    tales += [market.placed(), market.placed()]
    assert tales[2].answer()["status"] == "accepted"
    assert tales[2].dispatch()["status"] == "accepted"
    assert tales[2].receive()["status"] == "accepted"
    assert tales[2].send(tales[2].invoicing())["status"] == "accepted"
    tickets = Tickets(market)
    tickets.reply(tickets.open("T1"), "2026-01-12T09:00:00+08:00")
    sandbox.move(DRAFT)
    paid(market, H, D)
    tickets.open("T2")
    sandbox.settle()
    return market, tales


def paid(market: Market, hospital: str, payee: str) -> None:
    """December on its whole way: agreed, approved, ordered, sent to the bank and paid."""
    statement_id = f"2025-12-{hospital}-{payee}"
    answer = market[KEEPER].put(f"{S}/payee-accounts/{payee}", json=ACCOUNT)
    assert answer.status_code == 200, answer.text
    for actor, step in (
        (f"hospital:{hospital}", "confirm"), (f"distributor:{payee}", "confirm"), ("bureau:360000/zhang", "approve"), (CITY, "pay"),
    ):  # fmt: skip
        answer = market[actor].post(f"{S}/statements/{statement_id}/{step}")
        assert answer.status_code == 200, answer.text
    answer = market[CITY].post(f"{S}/payment-files", json={"file_id": statement_id})
    assert answer.status_code == 201, answer.text
    rows = [
        {"payment_id": one["payment_id"], "result": "paid", "bank_reference": one["payment_id"],
         "value_date": market.now[:10]}
        for one in answer.json()["lines"]
    ]  # fmt: skip
    answer = market[CITY].post(f"{S}/payment-files/{statement_id}/results", json=rows)
    assert {one["status"] for one in answer.json()["results"]} == {200}, answer.text


def items(market: Market, path: str, **query: str) -> list[Any]:
    """A whole list."""
    found: list[Any] = []
    after: dict[str, str] = {}
    while True:
        answer = market[OPS].get(path, params={**query, **after, "limit": "100"})
        assert answer.status_code == 200, (path, answer.text)
        document = answer.json()
        found += document["items"]
        if not document.get("next"):
            return found
        after = {"after": document["next"]}


def documents(market: Market, tales: list[Tale]) -> dict[str, Any]:
    """Every document that operations may ask for, by its path."""
    found: dict[str, Any] = {}
    for path in LISTS:
        bare, _, query = path.partition("?")
        found[path] = items(market, bare, **dict(p.split("=") for p in query.split("&") if p))
    paths = list(PAGES)
    paths += [f"/orders/v1/orders/{tale.order_id}" for tale in tales]
    paths += [f"{F}/tickets/{one['ticket_id']}" for one in found[f"{F}/tickets"]]
    paths += [f"{F}/tickets/{one['ticket_id']}/deadlines" for one in found[f"{F}/tickets"]]
    paths += [f"{S}/statements/{one['statement_id']}" for one in found[f"{S}/statements"]]
    paths += [f"{S}/payment-files/{one['file_id']}" for one in found[f"{S}/payment-files"]]
    accounts = {p["account"] for one in found[f"{S}/entries"] for p in one["postings"]}
    paths += [f"{S}/accounts/{name}" for name in sorted(accounts)]
    for path in paths:
        answer = market[OPS].get(path)
        assert answer.status_code == 200, (path, answer.text)
        found[path] = answer.json()
    return found


def changes(market: Market, service: str) -> tuple[list[Json], str]:
    """A whole feed, and the cursor at its end."""
    found: list[Json] = []
    page = market[OPS].get(f"/{service}/v1/changes", params={"limit": 1000}).json()
    while page["items"]:
        found += page["items"]
        asked = {"limit": 1000, "after": page["next"]}
        page = market[OPS].get(f"/{service}/v1/changes", params=asked).json()
    return found, page["next"]


def command(*words: str, code: int = 0, **settings: str) -> str:
    """One `jicai` command as an operator types it; what it said."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JICAI_")}
    done = subprocess.run(
        [sys.executable, "-m", "jicai", *words],
        capture_output=True, text=True, env=environment | settings, timeout=120,
    )  # fmt: skip
    assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


@contextmanager
def writing(market: Market) -> Iterator[list[Json]]:
    """Somebody goes on placing orders meanwhile, some ten a second; what was acknowledged."""
    accepted: list[Json] = []
    enough = threading.Event()
    other = Market(market.sandbox, fill=False)

    def write() -> None:
        while not enough.wait(0.1):
            tale = other.tale(H2, D2)
            event = tale.placing()
            if tale.send(event)["status"] == "accepted":
                accepted.append(event)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield accepted
    finally:
        enough.set()
        thread.join()


def wait_for(count: int, accepted: list[Json]) -> None:
    """Until so many have been acknowledged."""
    wait_until(lambda: len(accepted) >= count, 60)


def backed_up(data: Path, file: Path) -> str:
    """`jicai backup` beside the sandbox that runs over this directory."""
    return command("backup", str(file), JICAI_DATA=str(data))

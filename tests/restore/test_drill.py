"""The drill on the log bus: a province is saved while it works, lost, restored elsewhere, and goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared.testing.sandbox import running_sandbox
from tests.journeys.december import DRAFT
from tests.journeys.goods import D2, H2, OPS, Json
from tests.journeys.market import Market, Tale
from tests.restore.province import (
    S,
    backed_up,
    changes,
    command,
    documents,
    items,
    paid,
    played,
    wait_for,
    writing,
)

SERVICES = ("orders", "alerts", "feedback", "settlement")


@dataclass
class Drill:
    """What was before, and the market behind the restore."""

    before: dict[str, Any]
    orders: list[str]
    feeds: dict[str, tuple[list[Json], str]]
    page_cursor: str
    meanwhile: list[Json]
    resent: Json
    file: Path
    said: str
    restored: Market
    tales: list[Tale]


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    """Saved while orders come in; then the first installation is killed and never seen again."""
    place = tmp_path_factory.mktemp("drill")
    file = place / "backup.tar"
    with running_sandbox(data=place / "first") as first:
        market, tales = played(first)
        with writing(market) as meanwhile:
            wait_for(3, meanwhile)
            backed_up(place / "first", file)
            acknowledged = list(meanwhile)
            wait_for(len(acknowledged) + 3, meanwhile)
        resent = market.results(f"hospital:{H2}", meanwhile[0])
        first.settle()
        found = Drill(
            before=documents(market, tales),
            orders=[one["order_id"] for one in items(market, "/orders/v1/orders")],
            feeds={name: changes(market, name) for name in SERVICES},
            page_cursor=market[OPS].get("/orders/v1/orders?limit=1").json()["next"],
            meanwhile=acknowledged,
            resent=resent[0],
            file=file,
            said="",
            restored=market,
            tales=tales,
        )
        first.kill()
    found.said = command("restore", str(file), JICAI_DATA=str(place / "second"))
    with running_sandbox(DRAFT, data=place / "second") as second:
        found.restored = Market(second, fill=False)
        for tale in tales:
            tale.market = found.restored
        second.settle()
        yield found


def test_every_document_reads_as_before(drill: Drill) -> None:
    after = documents(drill.restored, drill.tales)
    assert after.keys() == drill.before.keys()
    for path, document in drill.before.items():
        assert after[path] == document, path
    assert len(after[f"{S}/entries"]) >= 2
    assert {one["state"] for one in after[f"{S}/statements"]} == {"paid", "draft"}


def test_the_ledger_verifies_and_each_feed_tells_what_was_saved_in_the_same_order(
    drill: Drill,
) -> None:
    proof = drill.restored[OPS].get(f"{S}/verify").json()
    assert (proof["ok"], proof["entries"]) == (True, len(drill.before[f"{S}/entries"]))
    for name in SERVICES:
        told, _ = changes(drill.restored, name)
        ids = {(one["source"], one["id"]) for one in told}
        before = [one for one in drill.feeds[name][0] if (one["source"], one["id"]) in ids]
        assert told == before, name
    lists = [one["order_id"] for one in items(drill.restored, "/orders/v1/orders")]
    assert lists == [one for one in drill.orders if one in set(lists)]
    assert {tale.order_id for tale in drill.tales} <= set(lists) < set(drill.orders)


def test_whoever_was_answered_before_the_backup_is_answered_the_same_again(drill: Drill) -> None:
    """Positions are told to senders, so they outlive the cluster."""
    event = drill.meanwhile[0]
    [again] = drill.restored.results(f"hospital:{H2}", event)
    assert again == drill.resent
    assert again["status"] == "duplicate"


def test_a_cursor_of_before_is_gone_and_says_so(drill: Drill) -> None:
    """Of a feed and of a list alike: a page behind it would leave out what came since."""
    asked = [(f"/{name}/v1/changes", drill.feeds[name][1]) for name in SERVICES]
    for path, cursor in [*asked, ("/orders/v1/orders", drill.page_cursor)]:
        gone = drill.restored[OPS].get(path, params={"after": cursor})
        assert (gone.status_code, gone.json()["code"]) == (410, "cursor_epoch"), path


def test_life_goes_on_and_no_entry_is_made_twice(drill: Drill) -> None:
    """Another statement is paid, the next month is drafted, and the chain goes on from where it was."""
    market = drill.restored
    tale = market.placed()
    assert tale.answer()["status"] == "accepted"
    paid(market, H2, D2)
    market.sandbox.move("2026-02-08T00:00:00+08:00")
    statements = {one["statement_id"]: one for one in items(market, f"{S}/statements")}
    assert f"2026-01-{tale.hospital}-{tale.distributor}" in statements
    assert statements[f"2025-12-{tale.hospital}-{tale.distributor}"]["state"] == "paid"
    entries = items(market, f"{S}/entries")
    keys = [one["key"] for one in entries]
    assert len(keys) == len(set(keys)) > len(drill.before[f"{S}/entries"])
    proof = market[OPS].get(f"{S}/verify").json()
    assert (proof["ok"], proof["entries"]) == (True, len(keys))
    late = items(market, "/alerts/v1/late-response-lists")
    assert len(late) > len(drill.before["/alerts/v1/late-response-lists"])
    waiting = drill.restored[OPS].get("/readyz")
    assert waiting.status_code == 200, waiting.text

"""The SCMS history through the doors: its on-time figures are a plain count over the file.

And they stay so when it is sent twice, in any order of orders, in any batch size, with a kill -9 of
everything in between. Without the whole file beside the project, the excerpt says the same in small.
"""

from __future__ import annotations

import csv
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from jicai.imports import load_mapping
from jicai.imports.events import gather_resources, row_events, rows_of
from jicai.imports.rows import read_rows
from shared.testing.sandbox import running_sandbox
from tests.chaos.killing import Undying, undying

PLAYED_ON = ("log",)
"""Its figures are counted on both buses in `test_oracle_agreement`."""

WHOLE = Path(__file__).parents[3] / "shared" / "data" / "scms_delivery_history.csv"
FILE = WHOLE if WHOLE.exists() else Path(__file__).parents[1] / "data" / "scms_excerpt.csv"
IMPORTER = "importer:360000"
YEARS = range(2006, 2016)

Counts = dict[int, dict[str, tuple[int, int]]]


def day_of(text: str) -> date:
    """`02-Jun-06` or `11/13/06`."""
    return date(*time.strptime(text, "%d-%b-%y" if "-" in text else "%m/%d/%y")[:3])


@pytest.fixture(scope="module")
def counted() -> Counts:
    """By year of the schedule and vendor: lines there in time, and all lines. Nothing of ours."""
    hits: Counter[tuple[int, str]] = Counter()
    lines: Counter[tuple[int, str]] = Counter()
    with FILE.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            scheduled = day_of(row["Scheduled Delivery Date"])
            key = (scheduled.year, row["Vendor"])
            lines[key] += 1
            hits[key] += day_of(row["Delivered to Client Date"]) <= scheduled
    found: Counts = {year: {} for year in YEARS}
    for (year, vendor), count in lines.items():
        found[year][vendor] = (hits[year, vendor], count)
    return found


def told(client: Any) -> Counts:
    """The same as the platform says it, by the vendors' names; totals must add up to them."""
    found: Counts = {}
    for year in YEARS:
        asked = {"window": str(year), "as_of": f"{year}-12-31"}
        answer = client.get(
            "/alerts/v1/scorecards", params={"subject": "distributor", "limit": 1000, **asked}
        ).json()
        assert answer["next"] is None
        found[year] = {}
        for card in answer["items"]:
            rate = card["rates"]["on_time"]
            if rate["denominator"]:
                found[year][card["name"]] = (rate["numerator"], rate["denominator"])
            assert card["rates"]["response"]["numerator"] == 0
        total = client.get("/alerts/v1/scorecards/total", params=asked).json()["rates"]["on_time"]
        of_vendors = found[year].values()
        assert total["numerator"] == sum(hit for hit, _ in of_vendors)
        assert total["denominator"] == sum(count for _, count in of_vendors)
    return found


@pytest.fixture(scope="module")
def history() -> tuple[list[Any], list[list[Any]]]:
    """The resources, and the facts of each order in order."""
    mapping = load_mapping("scms")
    rows = rows_of(read_rows(FILE, mapping.columns()), mapping)
    return gather_resources(rows, mapping), [row_events(row, mapping) for row in rows]


def batches(orders: list[list[Any]], size: int) -> Iterator[list[Any]]:
    events = [event for order in orders for event in order]
    yield from (events[n : n + size] for n in range(0, len(events), size))


def test_the_count_itself_is_the_one_the_file_is_known_for(counted):
    if FILE is WHOLE:
        every = [pair for vendors in counted.values() for pair in vendors.values()]
        assert sum(hit for hit, _ in every) == 9138
        assert sum(count for _, count in every) == 10324


def test_every_vendors_figure_is_the_count_and_a_second_sending_changes_nothing(history, counted):
    resources, orders = history
    with running_sandbox() as sandbox, sandbox.client(IMPORTER) as client:
        for resource in resources:
            assert client.put(resource.path, json=resource.body).status_code == 200
        firsts: dict[str, int] = {}
        for size, status in ((1000, "accepted"), (900, "duplicate")):
            for batch in batches(orders, size):
                answer = client.post("/orders/v1/events", json=batch)
                assert answer.status_code == 200, answer.text
                for result in answer.json()["results"]:
                    assert result["status"] == status
                    assert firsts.setdefault(result["id"], result["position"]) == result["position"]
            sandbox.settle()
            assert told(client) == counted


def interleaved(orders: list[list[Any]], rng: random.Random) -> list[list[Any]]:
    """Orders in any order, each one's facts in order but far apart, some sent again."""
    orders = [list(order) for order in orders]
    rng.shuffle(orders)
    rounds: list[list[Any]] = []
    for start in range(0, len(orders), 300):
        some = orders[start : start + 300]
        for place in range(4):
            rounds.append([order[place] for order in some])
            rng.shuffle(rounds[-1])
        rounds.append(rng.sample(rounds[-2], min(5, len(some))))
    return rounds


def test_any_order_any_batch_size_and_a_kill_of_everything_in_between(tmp_path, history, counted):
    resources, orders = history
    rng = random.Random(6)
    facts = interleaved(orders, rng)
    part = len(facts) // 6

    def send(house: Undying, some: list[list[Any]], size: int) -> None:
        for batch in batches(some, size):
            answer = house.insist(IMPORTER, "POST", "/orders/v1/events", json=batch)
            assert {r["status"] for r in answer["results"]} <= {"accepted", "duplicate"}

    with undying(tmp_path / "scms") as house:
        for resource in resources:
            house.insist(IMPORTER, "PUT", resource.path, json=resource.body)
        killing = threading.Timer(rng.uniform(0.2, 0.6), house.kill, ["all"])
        killing.start()
        send(house, facts[:part], 37)
        killing.join()
        send(house, facts[part:], 1000)
        assert house.kills == 1
        house.sandbox.settle()
        with house.sandbox.client(IMPORTER) as client:
            assert told(client) == counted

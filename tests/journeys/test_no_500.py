"""No input makes a 500: thousands of strange requests at every endpoint, and each error is a problem."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.journeys.goods import HOSPITAL, IMPORTER
from tests.journeys.strange import ODD, TICKET, cursor, mutated, requests, values

PLAYED_ON = ("log",)
"""What a door refuses it refuses before any bus is asked."""

QUIET = {"/sandbox/v1/settle", "/livez", "/alerts/v1/stream"}
"""Nothing to ask of these: the first takes its time, and the last has no end."""

EXAMPLES = 1800
MEMBERS = {"type", "title", "status", "detail", "code", "instance", "trace_id", "errors"}


@pytest.fixture(scope="module")
def operations(market) -> list[Any]:
    """Every operation that the product lists, and a few that it does not."""
    found = []
    for path, methods in market[None].get("/openapi.json").json()["paths"].items():
        for method, about in methods.items():
            names = [p["name"] for p in about.get("parameters", []) if p["in"] == "query"]
            if path not in QUIET:
                found.append((method.upper(), path, names))
    assert len(found) > 20
    found += [("GET", "/{anything}", []), ("GET", "/problems/{code}", []), ("GET", "/docs", [])]
    found += [("DELETE", "/orders/v1/events", []), ("PUT", "/orders/v1/orders/{id}", [])]
    return found


@pytest.fixture(scope="module")
def events(market) -> list[Any]:
    """Good events of every type, and one order told to its end."""
    tale = market.placed()
    told = [
        tale.answering(), tale.dispatching(), tale.arriving(), tale.receiving(), tale.returning(),
        tale.settling_return(), tale.invoicing(),
    ]  # fmt: skip
    assert [r["status"] for r in market.results(IMPORTER, *told)] == ["accepted"] * 7
    return [market.tale().placing(), tale.cancelling(), *told]


def check(answer: Any) -> None:
    """Never a 500, and every error is a problem document."""
    assert answer.status_code < 500, (answer.request.url, answer.text)
    if answer.status_code >= 400:
        kind = answer.headers.get("content-type", "")
        assert kind.startswith("application/problem+json"), (answer.request.url, kind, answer.text)
        document = answer.json()
        assert document.keys() >= MEMBERS
        assert document["status"] == answer.status_code
        assert document["type"] == f"/problems/{document['code']}"


def test_strange_requests_are_never_a_500(market, operations, events):
    client = market[None]
    assert market[HOSPITAL].post("/feedback/v1/tickets", json=TICKET).status_code == 201

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(requests(operations, events))
    def every(request: dict[str, Any]) -> None:
        check(client.request(**request))

    every()
    assert client.get("/livez").status_code == 200
    assert market.tale().place()["status"] == "accepted"


def test_every_query_parameter_takes_every_odd_value(market, operations):
    """One at a time, so that no first fault hides the next."""
    client = market["ops:360000"]
    odd = [text for text in ODD if len(text) < 100] + [
        cursor(x) for x in ([], [1], ["\0"], [1, 2, 3], [1, 2**64, 0], [1, 0, 2**64], [1, -1, -1],
                            [2**70, 0], [0, 2**70], [-5, 0], ["x", "\0"], [True, 0], [1.5, 0],
                            [[]], {"a": 1}, None, "x")
    ]  # fmt: skip
    needed = {"day": "2026-01-05", "subject": "distributor", "id": "x"}
    for method, path, names in operations:
        if method != "GET" or "{" in path:
            continue
        for name in names:
            for value in odd:
                if name == "wait" and value.isdigit():
                    continue
                query = {k: v for k, v in needed.items() if k in names} | {name: value}
                check(client.get(path, params=query))


@settings(
    max_examples=300, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(body=st.data())
def test_a_batch_of_anything_has_a_result_for_each(market, events, body):
    """Whatever stands in a batch, each item is answered in its place."""
    items = body.draw(
        st.lists(st.one_of(*[mutated(event) for event in events], values), max_size=6)
    )
    answer = market.post(body.draw(st.sampled_from(["ops:360000", IMPORTER])), *items)
    check(answer)
    results = answer.json()["results"]
    assert len(results) == len(items)
    for item, result in zip(items, results, strict=True):
        assert result["status"] in ("accepted", "duplicate", "rejected")
        if isinstance(item, dict) and isinstance(item.get("id"), str):
            assert result["id"] == item["id"]

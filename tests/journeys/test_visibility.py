"""Who sees what (section 2): each endpoint by each actor, 401, 403, 404 or empty as stated."""

from __future__ import annotations

from typing import Any

import pytest

from shared.testing.sandbox import running_sandbox
from tests.journeys.goods import D2, FAR, H2, IMPORTER, M2, PUTS, D, H, M, line
from tests.journeys.market import Market
from tests.oracle.hashes import root
from tests.oracle.uscc import make_uscc

THEN = "2025-12-01T09:00:00+08:00"
DECEMBER = {"window": "2025-12", "as_of": "2025-12-31"}
A, B, C = "A", "B", "C"
"""Three orders: H from D (product of M); FAR from D2 (of M2); H2 from D2 (of both)."""

ALL = {A, B, C}
SEEN = {
    f"hospital:{H}": {A},
    f"hospital:{FAR}": {B},
    "hospital:H36990000009": set(),
    f"distributor:{D}": {A},
    f"distributor:{D2}": {B, C},
    f"distributor:{make_uscc(77)}": set(),
    f"distributor:{M}": set(),
    f"manufacturer:{M}": {A, C},
    f"manufacturer:{M2}": {B, C},
    f"manufacturer:{D}": set(),
    "bureau:360102": {A, C},
    "bureau:360100": {A, C},
    "bureau:360700": {B},
    "bureau:360735": {B},
    "bureau:360200": set(),
    "bureau:360000": ALL,
    "regulator:360000": ALL,
    "regulator:360100": ALL,
    "finance:360100": ALL,
    "ops:360000": ALL,
    "importer:360000": ALL,
}
BY_ROLE = {
    f"hospital:{H}", f"distributor:{D}", f"manufacturer:{M}", "bureau:360102", "bureau:360100",
    "bureau:360000", "regulator:360000", "finance:360100", "ops:360000", "importer:360000",
}  # fmt: skip


class Scene:
    """The market with the three orders."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.ids: dict[str, str] = {}
        wanted = {A: (H, D, ["P"]), B: (FAR, D2, ["Q"]), C: (H2, D2, ["P", "Q"])}
        for name, (hospital, distributor, products) in wanted.items():
            lines = [line(f"L-{p}", product_id=p) for p in products]
            tale = market.tale(hospital, distributor)
            placed = tale.place(by=IMPORTER, lines=lines, time=THEN)
            assert placed["status"] == "accepted"
            assert tale.answer(by=IMPORTER, time=THEN)["status"] == "accepted"
            self.ids[name] = tale.order_id
        market.sandbox.settle()

    def names(self, order_ids: Any) -> set[str]:
        """The orders' names; anything else stands for itself."""
        known = {order_id: name for name, order_id in self.ids.items()}
        return {known.get(order_id, order_id) for order_id in order_ids}

    def get(self, actor: str | None, path: str, **parameters: Any) -> Any:
        return self.market[actor].get(path, params=parameters)

    def items(self, actor: str, path: str, **parameters: Any) -> list[Any]:
        answer = self.get(actor, path, **parameters)
        assert answer.status_code == 200, (actor, path, answer.text)
        items: list[Any] = answer.json()["items"]
        return items


@pytest.fixture(scope="module")
def scene(bus):
    with running_sandbox() as sandbox:
        yield Scene(Market(sandbox))


@pytest.mark.parametrize("actor", SEEN)
def test_orders(scene, actor):
    for name, order_id in scene.ids.items():
        answer = scene.get(actor, f"/orders/v1/orders/{order_id}")
        assert answer.status_code == (200 if name in SEEN[actor] else 404), name
    listed = scene.items(actor, "/orders/v1/orders")
    assert scene.names(x["order_id"] for x in listed) == SEEN[actor]
    asked = scene.items(actor, "/orders/v1/orders", hospital_id=H, distributor_id=D)
    assert scene.names(x["order_id"] for x in asked) == SEEN[actor] & {A}


@pytest.mark.parametrize("actor", SEEN)
def test_the_feed_and_reconciliation(scene, actor):
    facts = scene.items(actor, "/orders/v1/changes", limit=1000)
    orders = [f["data"]["order_id"] for f in facts if "order_id" in f["data"]]
    assert scene.names(orders) == SEEN[actor]
    assert len(orders) == 2 * len(SEEN[actor])
    # Hospitals and enterprises are told about orders, everybody else about the registers too.
    is_party = actor.startswith(("hospital", "distributor", "manufacturer"))
    assert len(facts) - len(orders) == (0 if is_party else len(PUTS))
    roots = scene.items(actor, "/orders/v1/reconciliation", day="2026-01-05")
    assert scene.names(x["order_id"] for x in roots) == SEEN[actor]
    assert {x["facts"] for x in roots} <= {2}


def test_a_manufacturer_sees_the_lines_of_its_products_only(scene):
    for actor, lines in (
        (f"manufacturer:{M}", ["L-P"]),
        (f"manufacturer:{M2}", ["L-Q"]),
        (f"hospital:{H2}", ["L-P", "L-Q"]),
    ):
        order = scene.get(actor, f"/orders/v1/orders/{scene.ids[C]}").json()
        assert [x["line_id"] for x in order["lines"]] == lines
        for listed in scene.items(actor, "/orders/v1/orders"):
            if listed["order_id"] == scene.ids[C]:
                assert [x["line_id"] for x in listed["lines"]] == lines
        for fact in scene.items(actor, "/orders/v1/changes", limit=1000):
            if fact["data"].get("order_id") == scene.ids[C] and "lines" in fact["data"]:
                assert [x["line_id"] for x in fact["data"]["lines"]] == lines


def test_a_narrowed_feed_still_reconciles(scene):
    """The hash beside a fact is that of the whole: a manufacturer's root recomputes from its feed."""
    actor = f"manufacturer:{M}"
    facts = scene.items(actor, "/orders/v1/changes", limit=1000)
    roots = {
        x["order_id"]: x["sha256"]
        for x in scene.items(actor, "/orders/v1/reconciliation", day="2026-01-05")
    }
    assert roots
    for order_id, told in roots.items():
        its = [f for f in facts if f["data"].get("order_id") == order_id]
        its.sort(key=lambda f: f["streamversion"])
        assert root([f["sha256"] for f in its]) == told


CARDS = {
    (f"hospital:{H}", "distributor"): 403,
    (f"distributor:{D}", "distributor"): {D},
    (f"distributor:{D2}", "distributor"): {D2},
    (f"distributor:{D}", "manufacturer"): 404,
    (f"distributor:{D}", "product"): 404,
    (f"manufacturer:{M}", "manufacturer"): {M},
    (f"manufacturer:{M}", "distributor"): 404,
    (f"manufacturer:{M}", "product"): 404,
    ("bureau:360102", "distributor"): {D, D2},
    ("bureau:360102", "manufacturer"): {M, M2},
    ("bureau:360735", "distributor"): {D2},
    ("bureau:360735", "product"): {"Q"},
    ("bureau:360200", "distributor"): set(),
    ("bureau:360000", "distributor"): {D, D2},
    ("regulator:360000", "distributor"): {D, D2},
    ("finance:360100", "distributor"): {D, D2},
    ("ops:360000", "manufacturer"): {M, M2},
    ("importer:360000", "product"): {"P", "Q"},
}


@pytest.mark.parametrize(("actor", "subject"), CARDS)
def test_scorecards(scene, actor, subject):
    meant = CARDS[actor, subject]
    answer = scene.get(actor, "/alerts/v1/scorecards", subject=subject, **DECEMBER)
    if isinstance(meant, int):
        assert answer.status_code == meant
        return
    assert {card["id"] for card in answer.json()["items"]} == meant
    everybody = {"distributor": {D, D2}, "manufacturer": {M, M2}, "product": {"P", "Q"}}[subject]
    sees_any = not actor.startswith(("distributor", "manufacturer"))
    for one in everybody:
        asked = {"subject": subject, "id": one, **DECEMBER}
        status = 200 if one in meant or sees_any else 404
        assert scene.get(actor, "/alerts/v1/scorecards", **asked).status_code == status
        assert scene.get(actor, "/alerts/v1/evidence", **asked).status_code == status


def test_the_total_and_its_evidence(scene):
    meant = {
        f"hospital:{H}": 403, f"distributor:{D}": 404, f"manufacturer:{M}": 404,
        "bureau:360000": 4, "bureau:360102": 3, "bureau:360735": 1, "bureau:360200": 0,
        "finance:360100": 4, "regulator:360000": 4, "ops:360000": 4,
    }  # fmt: skip
    for actor, lines in meant.items():
        total = scene.get(actor, "/alerts/v1/scorecards/total", **DECEMBER)
        evidence = scene.get(actor, "/alerts/v1/evidence", subject="total", **DECEMBER)
        if lines in (403, 404):
            assert (total.status_code, evidence.status_code) == (lines, lines), actor
        else:
            assert total.json()["rates"]["response"]["denominator"] == lines, actor
            assert len(evidence.json()["items"]) == lines


def test_a_bureau_asks_inside_its_area_only(scene):
    def status(actor, division, path="scorecards"):
        asked = {"subject": "distributor", "id": D, "division": division, **DECEMBER}
        return scene.get(actor, f"/alerts/v1/{path}", **asked).status_code

    for path in ("scorecards", "scorecards/total", "evidence"):
        assert status("bureau:360100", "360102", path) == 200
        assert status("bureau:360100", "360100", path) == 200
        assert status("bureau:360102", "360100", path) == 403
        assert status("bureau:360100", "360735", path) == 403
        assert status("bureau:360735", "360000", path) == 403
        assert status("bureau:360000", "110000", path) == 200


@pytest.mark.parametrize("actor", sorted(BY_ROLE))
def test_registers_are_written_by_province_and_importer_and_read_by_all(scene, actor):
    status = 200 if actor in ("bureau:360000", IMPORTER) else 403
    for path, body in PUTS:
        answer = scene.market[actor].put(f"/orders/v1/{path}", json=body)
        assert answer.status_code == status, (actor, path)
        read = scene.get(actor, f"/orders/v1/{path}")
        assert read.status_code == 200
        assert body.items() <= read.json().items()
    assert scene.get(actor, "/orders/v1/products/none").status_code == 404


PATHS = [
    "/orders/v1/orders", f"/orders/v1/orders/{H}-1", "/orders/v1/changes", "/alerts/v1/changes",
    "/feedback/v1/changes", "/settlement/v1/changes", "/orders/v1/products/P",
    "/orders/v1/products", "/orders/v1/reconciliation?day=2026-01-05",
    "/alerts/v1/scorecards?subject=distributor", "/alerts/v1/scorecards/total",
    "/alerts/v1/evidence?subject=total", "/feedback/v1/tickets", "/feedback/v1/calendar/2026",
    "/settlement/v1/accruals", "/settlement/v1/unmatched",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_nobody_is_401_everywhere_and_before_all_else(scene, path):
    for headers in ({}, {"X-Jicai-Actor": "hospital:1"}):
        for url in (path, f"{path}{'&' if '?' in path else '?'}limit=x&after=!"):
            answer = scene.market[None].get(url, headers=headers)
            assert answer.status_code == 401, (url, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
    put = scene.market[None].put("/orders/v1/products/P", content=b"{")
    assert put.status_code == 401


def test_health_version_and_documents_ask_for_no_actor(scene):
    for path in ("/livez", "/readyz", "/version", "/openapi.json", "/docs", "/sandbox/v1/clock"):
        assert scene.get(None, path).status_code == 200, path

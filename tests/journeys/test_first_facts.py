"""The first facts of feedback and settlement, end to end through a running sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.testing.sandbox import Sandbox, running_sandbox
from tests.journeys.small_town import (
    DISTRIBUTOR,
    HOSPITAL,
    MAKER,
    OTHER_HOSPITAL,
    PROVINCE,
    TICKET,
    Town,
    uscc,
)


@pytest.fixture
def town(sandbox: Sandbox) -> Town:
    return Town(sandbox)


@pytest.fixture
def new_year() -> Iterator[Town]:
    """The same town on Tuesday, 29 December 2026; nobody has announced 2027 yet."""
    with running_sandbox("2026-12-29T09:00:00+08:00") as running:
        yield Town(running)


def test_a_ticket_stands_as_opened_for_those_it_concerns(town: Town) -> None:
    opened = town.open(TICKET)
    assert opened.status_code == 201, opened.text
    ticket = opened.json()
    assert ticket["state"] == "open"
    assert (ticket["supervised"], ticket["level"], ticket["bureau"]) == (False, None, "360102")
    assert ticket["reply_due"] == "2026-01-08T00:00:00+08:00"
    assert [(step["type"], step["by"]) for step in ticket["history"]] == [
        ("opened", f"hospital:{HOSPITAL}")
    ]
    path = f"/feedback/v1/tickets/{ticket['ticket_id']}"
    seen_by = {
        f"hospital:{HOSPITAL}": True,
        f"hospital:{OTHER_HOSPITAL}": False,
        f"distributor:{DISTRIBUTOR}": True,
        f"distributor:{MAKER}": True,
        f"manufacturer:{MAKER}": True,
        f"manufacturer:{uscc('91360000MA00000M2')}": False,
        "bureau:360102": True,
        "bureau:360100": True,
        "bureau:360500": False,
        PROVINCE: True,
        "regulator:360000": True,
        "finance:360500": True,
    }
    for actor, sees in seen_by.items():
        answer = town.client(actor).get(path)
        assert answer.status_code == (200 if sees else 404), (actor, answer.text)
        # A list does not say what has arrived: that is looked up for one ticket at a time.
        listed = {name: told for name, told in ticket.items() if name != "deliveries"}
        assert town.get("/feedback/v1/tickets", actor)["items"] == ([listed] if sees else [])


def test_a_ticket_is_in_the_feed_with_the_hospital_s_own_words(town: Town) -> None:
    assert town.open(TICKET).status_code == 201
    for actor in (f"hospital:{HOSPITAL}", f"manufacturer:{MAKER}", "bureau:360102"):
        [fact] = town.get("/feedback/v1/changes", actor)["items"]
        assert fact["type"] == "jicai.ticket.opened.v1"
        assert fact["source"] == f"urn:jicai:{HOSPITAL}"
        assert fact["id"] == f"{TICKET['ticket_id']}-opened"
        assert fact["data"] == TICKET
    assert town.get("/feedback/v1/changes", f"hospital:{OTHER_HOSPITAL}")["items"] == []


def test_the_same_ticket_again_changes_nothing(town: Town) -> None:
    first = town.open(TICKET)
    town.sandbox.move("2026-01-06T09:00:00+08:00")
    again = town.open(dict(reversed(TICKET.items())))
    assert (again.status_code, again.json()) == (200, first.json())
    other = town.open({**TICKET, "description": "别的内容"})
    assert (other.status_code, other.json()["code"]) == (409, "conflicting_duplicate")
    assert len(town.get("/feedback/v1/changes")["items"]) == 1


def test_of_equal_tickets_posted_at_once_one_is_new(town: Town) -> None:
    town.client(f"hospital:{HOSPITAL}")
    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(lambda _: town.open(TICKET).status_code, range(8)))
    assert statuses == [200] * 7 + [201]


def test_faults_of_a_ticket_are_named(town: Town) -> None:
    for changes, status, code, pointer in (
        ({"hospital_id": OTHER_HOSPITAL}, 403, "forbidden", None),
        ({"ticket_id": "T1"}, 422, "malformed", "/ticket_id"),
        ({"ticket_id": f"{HOSPITAL}-T/1"}, 422, "malformed", "/ticket_id"),
        ({"category": "whatever"}, 422, "malformed", "/category"),
        ({"addressees": []}, 422, "malformed", "/addressees"),
        ({"addressees": [MAKER, MAKER]}, 422, "malformed", "/addressees"),
        ({"addressees": ["91360000MA00000D1X"]}, 422, "malformed", "/addressees/0"),
        ({"description": ""}, 422, "malformed", "/description"),
        ({"description": "\0"}, 422, "malformed", "/description"),
        ({"prominent": "yes"}, 422, "malformed", "/prominent"),
        ({"product_id": "P9"}, 422, "unknown_product", "/product_id"),
        ({"addressees": [uscc("91360000MA00000D9")]}, 422, "unknown_distributor", "/addressees/0"),
    ):
        answer = town.open({**TICKET, **changes})
        assert answer.status_code == status, (changes, answer.text)
        problem = answer.json()
        assert problem["code"] == code
        assert problem.get("retryable", False) == code.startswith("unknown_")
        assert pointer is None or pointer in [error["pointer"] for error in problem["errors"]]
    assert town.open(TICKET, f"distributor:{DISTRIBUTOR}").status_code == 403
    for body in ([], None, "x", 1):
        assert town.open(body).status_code == 422  # type: ignore[arg-type]


def test_a_product_registered_a_moment_ago_is_known(town: Town) -> None:
    for number in range(20):
        product = f"NEW{number}"
        town.put(
            f"/orders/v1/products/{product}",
            {
                "name": product, "generic_name": "甲", "category": "drug",
                "manufacturer_id": MAKER, "unit": "盒", "units_per_pack": 1,
            },
        )  # fmt: skip
        ticket_id = f"{HOSPITAL}-N{number}"
        answer = town.open({**TICKET, "ticket_id": ticket_id, "product_id": product})
        assert answer.status_code == 201, answer.text
    listed = town.get(f"/feedback/v1/tickets?limit=7&addressee={MAKER}&state=open")
    ids = [ticket["ticket_id"] for ticket in listed["items"]]
    while listed["next"] is not None:
        listed = town.get(f"/feedback/v1/tickets?limit=7&after={listed['next']}")
        ids += [ticket["ticket_id"] for ticket in listed["items"]]
    assert ids == sorted(f"{HOSPITAL}-N{number}" for number in range(20))


def test_a_received_line_accrues_once(town: Town) -> None:
    order_id = f"{HOSPITAL}-1"
    town.order(order_id)
    lots = [
        {"line_id": line, "quantity": quantity, "lot_number": "L1", "expires_on": "2027-01-01"}
        for line, quantity in (("1", "100"), ("2", "1"))
    ]
    town.post(
        f"distributor:{DISTRIBUTOR}", "D1-sent", "jicai.delivery.dispatched.v1",
        delivery_id="D1", order_id=order_id, lines=lots,
    )  # fmt: skip
    receipt = town.post(
        f"hospital:{HOSPITAL}", "R1", "jicai.delivery.received.v1",
        receipt_id="R1", delivery_id="D1", order_id=order_id,
        lines=[
            {"line_id": "1", "accepted": "99.5", "rejected": "0.5", "reject_reason": "破损"},
            {"line_id": "2", "accepted": "0", "rejected": "1", "reject_reason": "破损"},
        ],
    )  # fmt: skip
    town.client(f"hospital:{HOSPITAL}").post("/orders/v1/events", json=[receipt, receipt])
    town.sandbox.settle()
    page = town.get("/settlement/v1/accruals?month=2026-01", f"hospital:{HOSPITAL}")
    [accrual] = page["items"]
    assert accrual == {
        "order_id": order_id,
        "receipt_id": "R1",
        "order_line_id": "1",
        "hospital_id": HOSPITAL,
        "payee_id": DISTRIBUTOR,
        "product_id": "P1",
        "quantity": "99.5",
        "unit_price": "12.505",
        "amount_fen": 124425,
        "month": "2026-01",
        "at": receipt["time"],
    }
    assert page["next"] is None
    [fact] = town.get("/settlement/v1/changes")["items"]
    assert fact["id"] == f"accrual-{order_id}/R1/1"
    for actor, sees in {
        f"hospital:{OTHER_HOSPITAL}": False,
        f"distributor:{DISTRIBUTOR}": True,
        f"distributor:{MAKER}": False,
        "bureau:360102": True,
        "bureau:360500": False,
        "finance:360100": True,
        "finance:360500": False,
        "finance:360000": True,
        PROVINCE: True,
    }.items():
        assert len(town.get("/settlement/v1/accruals", actor)["items"]) == sees, actor
    assert town.client(f"manufacturer:{MAKER}").get("/settlement/v1/accruals").status_code == 403


def test_loading_a_year_moves_dues_that_have_not_passed(new_year: Town) -> None:
    town = new_year
    assert town.get("/feedback/v1/calendar/2027")["status"] == "provisional"
    town.order(f"{HOSPITAL}-passed")  # 30 and 31 December, 4 January
    town.sandbox.move("2026-12-31T10:00:00+08:00")
    town.order(f"{HOSPITAL}-open")  # 4, 5 and 6 January
    assert town.due_of(f"{HOSPITAL}-passed") == "2027-01-05T00:00:00+08:00"
    assert town.due_of(f"{HOSPITAL}-open") == "2027-01-07T00:00:00+08:00"

    town.sandbox.move("2027-01-05T10:00:00+08:00")
    days = [
        {"date": "2027-01-04", "kind": "holiday", "name": "元旦"},
        {"date": "2027-01-01", "kind": "holiday", "name": "元旦", "notice": "国办发明电"},
        {"date": "2027-01-03", "kind": "workday", "name": "元旦调休"},
    ]
    loaded = town.put("/feedback/v1/calendar/2027", {"days": days})
    assert loaded["status"] == "official"
    assert [day["date"] for day in loaded["days"]] == ["2027-01-01", "2027-01-03", "2027-01-04"]
    assert town.get("/feedback/v1/calendar/2027", f"hospital:{HOSPITAL}") == loaded
    town.sandbox.settle()
    # With the 3rd worked instead of the 4th the count is the same: nothing moves.
    assert town.due_of(f"{HOSPITAL}-open") == "2027-01-07T00:00:00+08:00"

    corrected = town.put("/feedback/v1/calendar/2027", {"days": days[:2]})
    assert corrected["version"] != loaded["version"]
    assert town.put("/feedback/v1/calendar/2027", {"days": days[1::-1]}) == corrected
    town.sandbox.settle()
    assert town.due_of(f"{HOSPITAL}-open") == "2027-01-08T00:00:00+08:00"
    assert town.history_of(f"{HOSPITAL}-open") == ["placed", "due_moved"]
    assert town.due_of(f"{HOSPITAL}-passed") == "2027-01-05T00:00:00+08:00"
    assert "due_moved" not in town.history_of(f"{HOSPITAL}-passed")
    facts = town.get("/feedback/v1/changes", "bureau:360100")["items"]
    assert [fact["id"] for fact in facts] == ["calendar-2027-v1", "calendar-2027-v2"]


def test_faults_of_a_year_are_named(town: Town) -> None:
    path = "/feedback/v1/calendar"
    for days, pointer in (
        ([{"date": "2026-01-01", "kind": "holiday", "name": "元旦"}], "/days/0"),
        ([{"date": "2027-01-04", "kind": "workday", "name": "补班"}], "/days/0"),
        ([{"date": "2027-01-04", "kind": "feast", "name": "节"}], "/days/0"),
        ([{"date": "2027-01-04", "kind": "holiday", "name": "节"}] * 2, "/days/1"),
        ([{"date": "2027-02-30", "kind": "holiday", "name": "节"}], "/days/0/date"),
        ("x", "/days"),
    ):
        answer = town.client(PROVINCE).put(f"{path}/2027", json={"days": days})
        assert (answer.status_code, answer.json()["code"]) == (422, "malformed"), answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer
    for year in ("1999", "2101", "x"):
        assert town.client(PROVINCE).get(f"{path}/{year}").status_code == 422
        assert town.client(PROVINCE).put(f"{path}/{year}", json={"days": []}).status_code == 422
        assert town.client("bureau:360100").put(f"{path}/{year}", json=1).status_code == 403
    assert town.client(f"hospital:{HOSPITAL}").get(f"{path}/2026").json()["status"] == "official"
    with town.sandbox.client() as nobody:
        assert nobody.get(f"{path}/2026").status_code == 401

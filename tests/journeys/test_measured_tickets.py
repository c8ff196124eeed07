"""What a ticket shows of the orders it names, from the first order to the last receipt, over HTTP."""

from __future__ import annotations

from itertools import count

import pytest

from tests.journeys.goods import D2, H2, HOSPITAL, PROVINCE, D, H, Json, M, line, load, taken
from tests.journeys.market import Market, Tale

_numbers = count(1)


class Reported:
    """A late-delivery ticket on these orders, asked by anybody."""

    def __init__(self, market: Market, *tales: Tale, hospital: str = H) -> None:
        self.market = market
        self.path = f"/feedback/v1/tickets/{hospital}-M{next(_numbers)}"
        said = {
            "ticket_id": self.path.rpartition("/")[2],
            "hospital_id": hospital,
            "product_id": "P",
            "addressees": [D, M, D2],
            "category": "late_delivery",
            "description": "逾期未到货",
            "order_ids": [tale.order_id for tale in tales],
        }
        opened = market[f"hospital:{hospital}"].post("/feedback/v1/tickets", json=said)
        assert opened.status_code == 201, opened.text

    def deliveries(self, actor: str = HOSPITAL) -> Json:
        """What stands measured when every consumer has caught up."""
        assert self.market[PROVINCE].post("/sandbox/v1/settle").is_success
        document: Json = self.market[actor].get(self.path).json()["deliveries"]
        return document

    def state(self, actor: str = HOSPITAL) -> str:
        state: str = self.deliveries(actor)["state"]
        return state


@pytest.fixture
def tale(market: Market) -> Tale:
    """An order of two lines of P and one of Q."""
    lines = [line("L1"), line("L2"), line("L3", product_id="Q")]
    return market.placed(lines=lines)


def test_a_ticket_follows_its_order_from_the_dispatch_to_the_last_receipt(
    market: Market, tale: Tale
) -> None:
    ticket = Reported(market, tale)
    assert ticket.state() == "not_arrived"
    tale.dispatch("D1", lines=[load("L1"), load("L3")])
    assert ticket.state() == "not_arrived"
    tale.arrive("D1")
    assert ticket.state() == "partly"
    tale.dispatch("D2", lines=[load("L2")])
    tale.receive("R2", "D2", lines=[taken("L2", "60", "40", reject_reason="damaged")])
    assert ticket.state() == "partly"
    tale.dispatch("D3", lines=[load("L2", "40")])
    tale.receive("R3", "D3", lines=[taken("L2", "40")])
    measured = ticket.deliveries()
    assert measured["state"] == "arrived"
    [order] = measured["orders"]
    assert [(one["line_id"], one["ordered"], one["arrived"]) for one in order["lines"]] == [
        ("L1", "100", "100"),
        ("L2", "100", "100"),
    ]


def test_a_cancelled_line_is_said_so_and_not_waited_for(market: Market, tale: Tale) -> None:
    tale.cancel(line_ids=["L2"])
    tale.dispatch("D1", lines=[load("L1")])
    tale.arrive("D1")
    measured = Reported(market, tale).deliveries()
    assert measured["state"] == "arrived"
    assert [one["state"] for one in measured["orders"][0]["lines"]] == ["arrived", "cancelled"]


def test_nobody_learns_of_an_order_through_a_ticket(market: Market, tale: Tale) -> None:
    """Another hospital names the order in a ticket of its own; a rival is named an addressee."""
    tale.dispatch("D1", lines=[load("L1"), load("L2")])
    tale.arrive("D1")
    peeping = Reported(market, tale, hospital=H2).deliveries(f"hospital:{H2}")
    assert peeping["orders"] == [{"order_id": tale.order_id, "state": "unknown", "lines": []}]
    ticket = Reported(market, tale)
    assert ticket.state(f"distributor:{D}") == ticket.state(f"manufacturer:{M}") == "arrived"
    assert ticket.state(f"distributor:{D2}") == "unknown"

"""One order's whole life, told through the real door and the real rules: a fact of each type."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

import msgspec

from services.orders.api.reading import read_event
from services.orders.api.world import take
from services.orders.domain.moving import moved_dues
from services.orders.domain.order import Order
from services.orders.domain.registers import Registers
from services.orders.domain.rules import order_rules
from services.orders.domain.world import World
from services.orders.policy import order_terms
from services.settlement.domain.accrual import accruing, line_accrued
from shared.events import orders as o
from shared.events.feedback import TICKET_OPENED, TicketOpened
from shared.events.reference import (
    CALENDAR_YEAR,
    CalendarDay,
    CalendarYearLoaded,
    ResourcePut,
    reference_type,
)
from shared.events.settlement import LINE_ACCRUED
from shared.kernel.calendar_years import SpecialDay
from shared.kernel.clock import parse_instant
from shared.kernel.decider import Decided
from shared.runtime.actors import Actor
from shared.store.calendar_files import shipped_calendar
from shared.store.policy_files import shipped_policy

Json = dict[str, Any]

HOSPITAL, DISTRIBUTOR, MAKER = "H36010200001", "91360000MA00000D14", "91360000MA00000M15"
ORDER, SILENT = f"{HOSPITAL}-1", f"{HOSPITAL}-2"
NOON = parse_instant("2026-03-02T12:00:00+08:00")

ENRICHED = {
    "product_id": "P1",
    "manufacturer_id": MAKER,
    "category": "drug",
    "generic_name": "苯磺酸氨氯地平片",
    "supplier_role": "main",
    "selected_price": "12.5",
    "selected_price_e4": 125_000,
    "batch_id": "B1",
    "agreement_id": "A1",
}
"""What every fact says of line L1, whatever it is about."""

AREA = {"hospital_id": HOSPITAL, "distributor_id": DISTRIBUTOR, "division": "360102"}
AREA |= {"level": "primary"}


@dataclass(frozen=True)
class Told:
    """One fact: its type, the data that was sent for it (or written for the feed), its JSON."""

    type: str
    sent: Json
    fact: bytes

    @property
    def value(self) -> Json:
        """The record's value as a reader sees it."""
        found: Json = json.loads(self.fact)
        return found


def a_line(line_id: str, product_id: str = "P1", **more: Any) -> Json:
    return {"line_id": line_id, "product_id": product_id} | {
        "quantity": "100.0", "unit_price": "12.50", **more
    }  # fmt: skip


def a_lot(line_id: str, quantity: str, lot: str, **more: Any) -> Json:
    return {"line_id": line_id, "quantity": quantity, "lot_number": lot} | {
        "expires_on": "2027-06-30", **more
    }  # fmt: skip


_RECEIPT = {"receipt_id": "R1", "order_id": ORDER}

STORY: list[tuple[str, Json]] = [
    (o.PLACED, {
        "order_id": ORDER, "hospital_id": HOSPITAL, "distributor_id": DISTRIBUTOR,
        "emergency": True,
        "lines": [a_line("L1", required_by="2026-03-04T18:00:00+08:00"), a_line("L2", "P2"),
                  a_line("L3", "P2")],
    }),
    (o.PLACED, {
        "order_id": SILENT, "hospital_id": HOSPITAL, "distributor_id": DISTRIBUTOR,
        "lines": [a_line("L1", quantity="007", unit_price="0")],
    }),
    (o.ANSWERED, {"order_id": ORDER, "lines": [
        {"line_id": "L1", "answer": "accepted", "promised_at": "2026-03-03T09:30:00+08:00"},
        {"line_id": "L2", "answer": "refused", "reason_code": "no_stock"},
    ]}),
    (o.CANCELLED, {"order_id": ORDER, "line_ids": ["L3"], "reason": "不再需要"}),
    (o.DISPATCHED, {"order_id": ORDER, "delivery_id": "D1", "lines": [
        a_lot("L1", "50.50", "A", trace_codes=["8123", "8124"]), a_lot("L1", "49.5", "B"),
        a_lot("L2", "3.0", "A"),
    ]}),
    (o.ARRIVED, {
        "order_id": ORDER, "delivery_id": "D1", "proof": {"kind": "signed", "reference": "签-17"}
    }),
    (o.RECEIVED, {
        **_RECEIPT, "delivery_id": "D1", "arrived_at": "2026-03-02T11:58:00+08:00",
        "lines": [
            {"line_id": "L1", "accepted": "99.50", "rejected": "0.5", "reject_reason": "damaged"},
            {"line_id": "L2", "accepted": "3", "rejected": "0.0"},
        ],
    }),
    (o.RETURN_REQUESTED, {
        **_RECEIPT, "return_id": "T1", "lines": [{"line_id": "L1", "quantity": "9.50"}],
        "reason": "近效期",
    }),
    (o.RETURN_ANSWERED, {
        "order_id": ORDER, "return_id": "T1", "confirmed": False, "reason": "效期足够"
    }),
    (o.INVOICE_REGISTERED, {
        **_RECEIPT, "invoice_id": "I1", "invoice_number": "044001900111", "kind": "credit",
        "return_id": "T1",
        "lines": [{"line_id": "L1", "quantity": "9.50", "unit_price": "12.5000"}],
    }),
]  # fmt: skip
"""Every type with every member that the contract knows, the two hidden orders aside."""


def world() -> World:
    """A hospital, a distributor, a selected product P1 and a product P2 that stands in no batch."""
    registers = Registers()
    take(registers, "organisation", HOSPITAL, {
        "kinds": ["hospital"], "division": "360102", "level": "primary", "remote": True
    })  # fmt: skip
    take(registers, "organisation", DISTRIBUTOR, {"kinds": ["distributor"], "division": "360000"})
    for product, name in (("P1", "苯磺酸氨氯地平片"), ("P2", "一次性注射器")):
        category = "drug" if product == "P1" else "consumable"
        body = {"generic_name": name, "category": category, "manufacturer_id": MAKER}
        take(registers, "product", product, body)
    take(registers, "batch", "B1", {
        "effective_on": "2026-01-01", "ends_on": "2026-12-31", "backup": [],
        "main": [{"product_id": "P1", "divisions": ["360000"], "selected_price": "12.50"}],
    })  # fmt: skip
    terms = order_terms(shipped_policy())
    agreed = {(HOSPITAL, "P1", DISTRIBUTOR): {"B1": "A1"}}
    return World(registers, shipped_calendar(), terms, agreed)


class Telling:
    """Judges events one after another as a batch would, each state once through its bytes."""

    def __init__(self) -> None:
        self.world = world()
        self.rules = order_rules(self.world.terms)
        self.orders: dict[str, Order] = {}
        self.told: list[Told] = []

    def send(self, type_: str, data: Json) -> Told:
        """One event through the door and the rules."""
        sender = HOSPITAL if _is_the_hospitals(type_) else DISTRIBUTOR
        role = "hospital" if sender == HOSPITAL else "distributor"
        event = {
            "specversion": "1.0", "id": f"e{len(self.told)}", "source": f"urn:jicai:{sender}",
            "type": type_, "time": "2026-03-02T12:00:00+08:00", "data": data,
        }  # fmt: skip
        sent = read_event(json.dumps(event).encode(), Actor(role, sender))
        order = self.orders.get(data["order_id"])
        self.rules.authorise(order, sent, self.world)
        return self.take(self.rules.decide(order, sent, NOON, self.world), data)

    def take(self, decided: Decided, data: Json) -> Told:
        """A decided fact becomes part of its order."""
        fact = decided.fact
        after = self.rules.evolve(self.orders.get(fact.order_id), decided.type, fact)
        self.orders[fact.order_id] = self.rules.decode(self.rules.encode(after))
        told = Told(decided.type, data, msgspec.json.encode(fact))
        self.told.append(told)
        return told


def _is_the_hospitals(type_: str) -> bool:
    return type_ in (o.PLACED, o.CANCELLED, o.RECEIVED, o.RETURN_REQUESTED)


@cache
def facts_of_orders() -> tuple[Told, ...]:
    """The story, then what the platform does by itself: a due moves, a line becomes void."""
    telling = Telling()
    for type_, data in STORY:
        telling.send(type_, data)
    calendar = shipped_calendar().with_year(2026, [SpecialDay(date(2026, 3, 4), "holiday", "加")])
    [moved] = moved_dues(
        telling.orders[SILENT],
        calendar,
        telling.world.terms,
        changed_at=NOON,
        now=NOON + timedelta(hours=1),
    )
    telling.take(moved, moved.data)
    silent = telling.orders[SILENT]
    due = telling.rules.due(silent)
    assert due is not None
    [voided] = telling.rules.wake(silent, due, telling.world)
    telling.take(voided, voided.data)
    return tuple(telling.told)


@cache
def other_facts() -> tuple[Told, ...]:
    """A fact of each type that is not about an order."""
    [receipt] = [told for told in facts_of_orders() if told.type == o.RECEIVED]
    [accrual] = accruing(msgspec.json.decode(receipt.fact, type=o.Received), NOON)
    ticket = TicketOpened(
        ticket_id=f"{HOSPITAL}-T1",
        hospital_id=HOSPITAL,
        product_id="P1",
        addressees=[DISTRIBUTOR],
        category="late_delivery",
        description="三次催单未到货",
        order_ids=[ORDER],
        by=f"hospital:{HOSPITAL}",
        at=NOON,
        reply_due=NOON + timedelta(days=2),
        calendar_version="v",
    )
    body = {"listed_price": "12.50", "status": "listed"}
    put = ResourcePut(kind="listing", id="P1", body=body)
    year = CalendarYearLoaded(
        year=2026,
        version="v",
        days=[CalendarDay(date="2026-10-01", kind="holiday", name="国庆节")],
    )
    return (
        Told(LINE_ACCRUED, {}, msgspec.json.encode(line_accrued(accrual))),
        Told(TICKET_OPENED, {}, msgspec.json.encode(ticket)),
        Told(reference_type("listing"), {"id": "P1", "body": body}, msgspec.json.encode(put)),
        Told(CALENDAR_YEAR, {}, msgspec.json.encode(year)),
    )

"""What accrues, told as sentences."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from services.settlement.commands import AccrueLine
from services.settlement.consumer.accruing import hear
from services.settlement.domain.accrual import OrderAccruals, accruing, key_of
from services.settlement.domain.rules import SETTLING
from services.settlement.domain.world import NO_WORLD
from shared.events.envelope import PLATFORM
from shared.events.orders import Received, ReceivedLine
from shared.events.settlement import LINE_ACCRUED, LineAccrued
from shared.events.topics import SETTLEMENT
from shared.kernel.clock import parse_instant
from shared.kernel.decider import Sent
from shared.testing.spec import Happened, given

HOSPITAL, DISTRIBUTOR, MAKER = "H36010200001", "91360000MA00000D15", "91360000MA00000M15"
ORDER = f"{HOSPITAL}-1"
RECEIVED_AT = parse_instant("2026-01-31T23:59:59+08:00")
RECORDED_AT = RECEIVED_AT + timedelta(minutes=2)

ACCRUED = LineAccrued(
    receipt_id="R1",
    order_id=ORDER,
    order_line_id="1",
    hospital_id=HOSPITAL,
    payee_id=DISTRIBUTOR,
    product_id="P1",
    quantity=1_000_000,
    quantity_text="100",
    unit_price=125_050,
    unit_price_text="12.505",
    amount_fen=125_050,
    month="2026-01",
    at=RECEIVED_AT,
)


def a_line(**changes: Any) -> ReceivedLine:
    """Accepted 100 at 12.505 yuan from the main supplier, unless told otherwise."""
    return ReceivedLine(
        **{
            "line_id": "1",
            "product_id": "P1",
            "accepted": 1_000_000,
            "accepted_text": "100",
            "rejected": 0,
            "rejected_text": "0",
            "unit_price": 125_050,
            "unit_price_text": "12.505",
            "category": "drug",
            "generic_name": "amlodipine",
            "supplier_role": "main",
            "selected_price": 125_050,
            "manufacturer_id": MAKER,
            **changes,
        }
    )


def a_receipt(*lines: ReceivedLine) -> Received:
    """A receipt with these lines."""
    return Received(
        order_id=ORDER,
        hospital_id=HOSPITAL,
        distributor_id=DISTRIBUTOR,
        division="360102",
        at=RECEIVED_AT,
        delivery_id="D1",
        lines=[],
        receipt_id="R1",
        recorded=RECORDED_AT,
        received=list(lines),
    )


def sent(command: AccrueLine, source: str = PLATFORM) -> Sent:
    """The command as the bus door passes it on."""
    return Sent("", source, "", LINE_ACCRUED, command.at, b"", b"", command, "ops", "")


def test_a_received_line_accrues_in_the_month_of_its_receipt() -> None:
    [command] = accruing(a_receipt(a_line()), RECORDED_AT)
    decided = given(SETTLING).when(sent(command), at=RECORDED_AT, world=NO_WORLD).then(ACCRUED)
    assert decided.topic == SETTLEMENT
    assert (decided.hospital_id, decided.distributor_id) == (HOSPITAL, DISTRIBUTOR)
    assert decided.manufacturers is None


def test_an_accrual_is_dated_by_its_receipt_not_by_whoever_hears_of_it() -> None:
    [command] = accruing(a_receipt(a_line()), RECORDED_AT)
    much_later = RECORDED_AT + timedelta(days=40)
    decided = given(SETTLING).when(sent(command), at=much_later, world=NO_WORLD).then(ACCRUED)
    assert decided.at == RECORDED_AT


def test_only_what_was_accepted_from_a_main_supplier_accrues() -> None:
    receipt = a_receipt(
        a_line(line_id="1"),
        a_line(line_id="2", accepted=0, rejected=1_000_000),
        a_line(line_id="3", supplier_role="backup", selected_price=None),
        a_line(line_id="4", supplier_role="none", selected_price=None),
    )
    assert [command.order_line_id for command in accruing(receipt, RECORDED_AT)] == ["1"]


def test_half_a_fen_is_rounded_up_once_a_line() -> None:
    [command] = accruing(a_receipt(a_line(accepted=10_000, unit_price=50)), RECORDED_AT)
    outcome = given(SETTLING).when(sent(command), at=RECORDED_AT, world=NO_WORLD)
    assert outcome.decided is not None
    assert outcome.decided.fact.amount_fen == 1


def test_nobody_but_the_platform_accrues() -> None:
    [command] = accruing(a_receipt(a_line()), RECORDED_AT)
    given(SETTLING).when(
        sent(command, source=f"urn:jicai:{DISTRIBUTOR}"), at=RECORDED_AT, world=NO_WORLD
    ).then_refused("not_yours", "/source")


def test_an_order_adds_up_what_was_accrued() -> None:
    order = given(SETTLING, Happened(LINE_ACCRUED, ACCRUED), Happened(LINE_ACCRUED, ACCRUED)).state
    assert isinstance(order, OrderAccruals)
    assert (order.lines, order.amount_fen) == (2, 250_100)


def test_no_two_receipt_lines_share_a_key_however_they_are_named() -> None:
    names = ["R", "R/1", "R%2F1", "R-1", "1", "1/1", "%", "/"]
    keys = {key_of(ORDER, receipt, line) for receipt in names for line in names}
    assert len(keys) == len(names) ** 2
    assert key_of(ORDER, "R1", "1") == f"accrual-{ORDER}/R1/1"


def test_other_facts_of_a_delivery_accrue_nothing() -> None:
    assert hear([]) == []

"""What an order's receipts add up to (应付计提): each received line once. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from services.settlement.commands import AccrueLine
from shared.events.envelope import PLATFORM
from shared.events.orders import Received
from shared.events.settlement import LINE_ACCRUED, LineAccrued
from shared.events.topics import SETTLEMENT
from shared.kernel.clock import local_day
from shared.kernel.decider import Decided, Sent
from shared.kernel.errors import Refusal
from shared.kernel.quantity import amount_fen, format_quantity

MAIN: Final = "main"
"""Only lines of a main supplier are settled by the fund (主供)."""


class OrderAccruals(msgspec.Struct, array_like=True, tag="accrual"):
    """What has been accrued of one order (订单计提): how many receipt lines, and their sum."""

    order_id: str
    hospital_id: str
    payee_id: str
    lines: int = 0
    amount_fen: int = 0


def accruing(received: Received, recorded_at: datetime) -> list[AccrueLine]:
    """The lines of a receipt that stand to be settled: accepted, and from the main supplier."""
    return [
        AccrueLine(
            order_id=received.order_id,
            receipt_id=received.receipt_id,
            order_line_id=line.line_id,
            hospital_id=received.hospital_id,
            payee_id=received.distributor_id,
            product_id=line.product_id,
            quantity=line.accepted,
            unit_price=line.unit_price,
            at=received.at,
            recorded_at=recorded_at,
        )
        for line in received.received
        if line.accepted > 0 and line.supplier_role == MAIN
    ]


def stream_of(order_id: str) -> str:
    """The stream of one order's accruals."""
    return f"accrual-{order_id}"


def key_of(order_id: str, receipt_id: str, order_line_id: str) -> str:
    """The business key of a receipt line, for ever (业务键).

    Receipts and lines are named freely by hospitals, so the slash that separates them is written
    as %2F inside a receipt's id: else two lines could share a key, and one would never be paid.
    """
    receipt = receipt_id.replace("%", "%25").replace("/", "%2F")
    return f"accrual-{order_id}/{receipt}/{order_line_id}"


def line_accrued(command: AccrueLine) -> LineAccrued:
    """The accrual as a fact, in the month of its receipt (计提月份)."""
    return LineAccrued(
        receipt_id=command.receipt_id,
        order_id=command.order_id,
        order_line_id=command.order_line_id,
        hospital_id=command.hospital_id,
        payee_id=command.payee_id,
        product_id=command.product_id,
        quantity=command.quantity,
        quantity_text=format_quantity(command.quantity),
        unit_price=command.unit_price,
        unit_price_text=format_quantity(command.unit_price),
        amount_fen=amount_fen(command.quantity, command.unit_price),
        month=local_day(command.at).isoformat()[:7],
        at=command.at,
    )


def authorise(sent: Sent) -> None:
    """Nobody but the platform accrues (平台自行计提)."""
    if sent.source != PLATFORM:
        raise Refusal(
            "not_yours", "计提由平台完成", "the platform alone accrues", pointer="/source"
        )


def decide(sent: Sent, command: AccrueLine) -> Decided:
    """The fact of an accrual; that it is the only one is settled by its business key before."""
    return Decided(
        topic=SETTLEMENT,
        type=LINE_ACCRUED,
        fact=line_accrued(command),
        at=command.recorded_at,
        sent=sent,
        hospital_id=command.hospital_id,
        distributor_id=command.payee_id,
    )


def evolve(order: OrderAccruals | None, fact: LineAccrued) -> OrderAccruals:
    """The order with one more accrual in it."""
    if order is None:
        order = OrderAccruals(fact.order_id, fact.hospital_id, fact.payee_id)
    order.lines += 1
    order.amount_fen += fact.amount_fen
    return order

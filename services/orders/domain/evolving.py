"""How an order follows from its facts (状态演变): pure, and from facts alone.

States are held by whoever judges a batch; `evolve` takes one over and returns it with the fact in it.
"""

from __future__ import annotations

from typing import Any

from services.orders.domain.order import Delivery, Line, Order, Receipt, Return
from shared.events import orders as facts


def evolve(order: Order | None, type_: str, fact: Any) -> Order:
    """The order with one more fact in it."""
    if type_ == facts.PLACED:
        return _placed(fact)
    assert order is not None, "an order begins with its placing"
    match type_:
        case facts.ANSWERED:
            for answer in fact.lines:
                line = order.lines[answer.line_id]
                line.accepted, line.promised_at = answer.accepted, answer.promised_at
        case facts.CANCELLED:
            for line_id in fact.line_ids:
                order.lines[line_id].cancelled = True
        case facts.LINE_VOIDED:
            for line_id in fact.line_ids:
                order.lines[line_id].void = True
        case facts.DUE_MOVED:
            for moved in fact.lines:
                order.lines[moved.line_id].delivery_due = moved.delivery_due
            order.last_due = max(line.delivery_due for line in order.lines.values())
        case facts.DISPATCHED:
            _dispatched(order, fact)
        case facts.ARRIVED:
            delivery = order.deliveries[fact.delivery_id]
            delivery.arrived_at = fact.at
            delivery.arrival_proven = fact.proof is not None
        case facts.RECEIVED:
            _received(order, fact)
        case facts.RETURN_REQUESTED:
            order.returns[fact.return_id] = Return(
                fact.return_id, fact.receipt_id, {x.line_id: x.quantity for x in fact.lines}
            )
        case facts.RETURN_ANSWERED:
            order.returns[fact.return_id].confirmed = fact.confirmed
        case facts.INVOICE_REGISTERED:
            order.invoices.append(fact.invoice_id)
            _flag(order, fact.line_flags)
        case _:
            raise ValueError(f"{type_} is no fact of an order")
    return order


def _placed(fact: facts.Placed) -> Order:
    lines = {
        x.line_id: Line(
            line_id=x.line_id,
            product_id=x.product_id,
            quantity=x.quantity,
            quantity_sent=x.quantity_text,
            unit_price=x.unit_price,
            unit_price_sent=x.unit_price_text,
            manufacturer_id=x.manufacturer_id,
            category=x.category,
            generic_name=x.generic_name,
            supplier_role=x.supplier_role,
            selected_price=x.selected_price,
            batch_id=x.batch_id,
            agreement_id=x.agreement_id,
            delivery_due=x.delivery_due,
            required_by=x.required_by,
            flags=["price_above_selected"] if x.price_above_selected else [],
        )
        for x in fact.lines
    }
    return Order(
        order_id=fact.order_id,
        hospital_id=fact.hospital_id,
        distributor_id=fact.distributor_id,
        manufacturers=" ".join(sorted({x.manufacturer_id for x in fact.lines})),
        sent_at=fact.at,
        answer_due=fact.answer_due,
        emergency=fact.emergency,
        remote=fact.remote,
        level=fact.level,
        back_entered=fact.back_entered,
        importer=fact.importer,
        lines=lines,
        last_due=max(line.delivery_due for line in lines.values()),
    )


def _dispatched(order: Order, fact: facts.Dispatched) -> None:
    quantities = {x.line_id: x.dispatched for x in fact.lines}
    order.deliveries[fact.delivery_id] = Delivery(
        delivery_id=fact.delivery_id, dispatched=quantities
    )
    for line_id, quantity in quantities.items():
        order.lines[line_id].dispatched += quantity
    _flag(order, fact.line_flags)


def _received(order: Order, fact: facts.Received) -> None:
    order.deliveries[fact.delivery_id].receipt = Receipt(
        receipt_id=fact.receipt_id,
        at=fact.at,
        arrived_at=fact.arrived_at,
        recorded=fact.recorded,
        accepted={x.line_id: x.accepted for x in fact.lines},
        rejected={x.line_id: x.rejected for x in fact.lines},
        arrives={x.line_id: x.arrives for x in fact.lines},
    )
    order.receipts[fact.receipt_id] = fact.delivery_id


def _flag(order: Order, line_flags: dict[str, list[str]]) -> None:
    for line_id, flags in line_flags.items():
        line = order.lines[line_id]
        line.flags += [flag for flag in flags if flag not in line.flags]

"""All that may happen to an order, on one page: the decider of orders (采购订单规则)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from services.orders.commands import (
    AnswerOrder,
    AnswerReturn,
    CancelOrder,
    DispatchDelivery,
    PlaceOrder,
    ReceiveDelivery,
    RegisterInvoice,
    ReportArrival,
    RequestReturn,
)
from services.orders.domain import answering, delivering, returning
from services.orders.domain.dues import void_at
from services.orders.domain.enriching import of_line, of_order
from services.orders.domain.evolving import evolve
from services.orders.domain.order import Order, decode, encode, states_mask
from services.orders.domain.placing import place
from services.orders.domain.refusals import not_yours, refused, unknown
from services.orders.domain.world import World
from services.orders.policy import OrderTerms
from shared.events import orders as facts
from shared.events.envelope import PLATFORM
from shared.events.topics import DELIVERIES, ORDERS
from shared.kernel.clock import utc_text
from shared.kernel.decider import Decided, Decider, Sent
from shared.kernel.errors import Refusal

SENDERS: Final = {
    facts.PLACED: "hospital",
    facts.ANSWERED: "distributor",
    facts.CANCELLED: "hospital",
    facts.DISPATCHED: "distributor",
    facts.ARRIVED: "distributor",
    facts.RECEIVED: "hospital",
    facts.RETURN_REQUESTED: "hospital",
    facts.RETURN_ANSWERED: "distributor",
    facts.INVOICE_REGISTERED: "distributor",
}
"""Who may send each type; an importer may send all."""

_OF_AN_ORDER: Final = frozenset({facts.PLACED, facts.ANSWERED, facts.CANCELLED})


def authorise(order: Order | None, sent: Sent, _world: World) -> None:
    """Source, role, or a party of another order: the event must be the sender's to send."""
    if sent.role == "importer":
        if sent.source == PLATFORM:
            raise not_yours("来源为平台保留", "this source is the platform's own", "/source")
        return
    own = f"urn:jicai:{sent.organisation}"
    if sent.source != own and not sent.source.startswith(f"{own}:"):
        raise not_yours(f"source 必须是 {own}", f"source must be {own}", "/source")
    if sent.role != SENDERS[sent.type]:
        raise not_yours("该角色不能发送此类事件", f"a {sent.role} does not send this type", "/type")
    command = sent.command
    if isinstance(command, PlaceOrder):
        party, pointer = command.hospital_id, "/data/hospital_id"
    elif order is None:
        return
    else:
        party = order.hospital_id if sent.role == "hospital" else order.distributor_id
        pointer = "/data/order_id"
    if party != sent.organisation:
        raise not_yours("不是本单位的订单", "the order is not yours", pointer)


def decide(order: Order | None, sent: Sent, now: datetime, world: World) -> Decided:
    """The fact that an event becomes, or a refusal, tested in the contract's order."""
    if sent.occurred_at - now > world.terms.future:
        raise refused("occurred_in_future", "/time")
    fact = _fact(order, sent, now, world)
    manufacturers = (
        " ".join(sorted({x.manufacturer_id for x in fact.lines}))
        if isinstance(fact, facts.Placed)
        else order.manufacturers
        if order
        else ""
    )
    return Decided(
        topic=ORDERS if sent.type in _OF_AN_ORDER else DELIVERIES,
        type=sent.type,
        fact=fact,
        at=now,
        sent=sent,
        hospital_id=fact.hospital_id,
        distributor_id=fact.distributor_id,
        manufacturers=manufacturers,
    )


def _fact(order: Order | None, sent: Sent, now: datetime, world: World) -> facts.OrderFact:
    command = sent.command
    if isinstance(command, PlaceOrder):
        return place(order, sent, now, world)
    if order is None:
        raise unknown("order", command.order_id, "/data/order_id", retryable=True)
    match command:
        case AnswerOrder():
            return answering.answer(order, sent, now, world)
        case CancelOrder():
            return answering.cancel(order, sent, now)
        case DispatchDelivery():
            return delivering.dispatch(order, sent, now, world)
        case ReportArrival():
            return delivering.arrive(order, sent, now, world)
        case ReceiveDelivery():
            return delivering.receive(order, sent, now, world)
        case RequestReturn():
            return returning.request_return(order, sent, now)
        case AnswerReturn():
            return returning.answer_return(order, sent, now)
        case RegisterInvoice():
            return returning.register_invoice(order, sent, now)
    raise Refusal("malformed", "未知的事件类型", "unknown event type", pointer="/type")


def order_rules(terms: OrderTerms) -> Decider[Order, World]:
    """The rules under these terms."""

    def due(order: Order) -> datetime | None:
        if order.back_entered or order.importer:
            return None
        instants = [
            void_at(order, line, terms.void)
            for line in order.lines.values()
            if line.is_open and not line.dispatched
        ]
        return min(instants, default=None)

    def wake(order: Order, at: datetime, _world: World) -> Sequence[Decided]:
        line_ids = [
            line.line_id
            for line in order.lines.values()
            if line.is_open and not line.dispatched and void_at(order, line, terms.void) <= at
        ]
        return [_voided(order, line_id, at) for line_id in line_ids]

    return Decider(
        authorise=authorise,
        decide=decide,
        evolve=evolve,
        due=due,
        wake=wake,
        encode=encode,
        decode=decode,
        columns=columns,
    )


def _voided(order: Order, line_id: str, at: datetime) -> Decided:
    return Decided(
        topic=ORDERS,
        type=facts.LINE_VOIDED,
        fact=facts.LineVoided(
            *of_order(order, at),
            line_id=line_id,
            voided_at=at,
            lines=[facts.LineFact(*of_line(order.lines[line_id]))],
        ),
        at=at,
        event_id=f"void-{order.order_id}-{line_id}",
        data={"order_id": order.order_id, "line_id": line_id, "voided_at": utc_text(at)},
        hospital_id=order.hospital_id,
        distributor_id=order.distributor_id,
        manufacturers=order.manufacturers,
    )


def columns(order: Order) -> tuple[Any, ...]:
    """What lists and recalculations ask for, beside the state."""
    return (
        order.hospital_id,
        order.distributor_id,
        order.manufacturers,
        states_mask(order),
        order.last_due,
    )

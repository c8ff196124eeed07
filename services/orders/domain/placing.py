"""Placing an order (下单): checks against the registers, and what the lines store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from services.orders.commands import OrderedLine, PlaceOrder
from services.orders.domain.dues import delivery_due
from services.orders.domain.order import Order, shortest_text
from services.orders.domain.refusals import refused, unknown
from services.orders.domain.world import World
from shared.events.forms import Level
from shared.events.orders import Placed, PlacedLine
from shared.kernel.clock import local_day
from shared.kernel.codes import division_of
from shared.kernel.decider import Sent


@dataclass(slots=True)
class _Urgency:
    sent_at: datetime
    emergency: bool
    remote: bool
    level: Level | None
    importer: bool


def place(order: Order | None, sent: Sent, now: datetime, world: World) -> Placed:
    """The placing as a fact, with everything that held when it was recorded."""
    command: PlaceOrder = sent.command
    importer = sent.role == "importer"
    _check(order, command, sent, world)
    hospital = world.registers.organisations[command.hospital_id]
    sent_at = sent.occurred_at if importer else now
    urgency = _Urgency(sent_at, command.emergency, hospital.remote, hospital.level, importer)
    dues = {
        wish: delivery_due(urgency, wish, world.terms, world.calendar)
        for wish in {line.required_by for line in command.lines}
    }
    day = local_day(sent_at)
    lines = [_line(line, command, day, dues[line.required_by], world) for line in command.lines]
    back_entered = command.back_entered or (
        not importer and now - sent.occurred_at > world.terms.back_entry
    )
    flags = ["back_entered"] if back_entered else []
    if any(line.price_above_selected for line in lines):
        flags.append("price_above_selected")
    return Placed(
        order_id=command.order_id,
        hospital_id=command.hospital_id,
        distributor_id=command.distributor_id,
        at=sent_at,
        flags=flags,
        division=division_of(command.hospital_id),
        level=hospital.level,
        remote=hospital.remote,
        emergency=command.emergency,
        back_entered=back_entered,
        importer=importer,
        answer_due=sent_at + world.terms.response,
        calendar_version=world.calendar.version,
        lines=lines,
    )


def _check(order: Order | None, command: PlaceOrder, sent: Sent, world: World) -> None:
    """Every refusal of a placing, in the contract's order of tests."""
    for number, line in enumerate(command.lines):
        if line.required_by is not None and line.required_by < sent.occurred_at:
            raise refused("required_by_in_past", f"/data/lines/{number}/required_by")
    registers = world.registers
    if not registers.has(command.hospital_id, "hospital"):
        raise unknown("hospital", command.hospital_id, "/data/hospital_id")
    if not registers.has(command.distributor_id, "distributor"):
        raise unknown("distributor", command.distributor_id, "/data/distributor_id")
    for number, line in enumerate(command.lines):
        if line.product_id not in registers.products:
            raise unknown("product", line.product_id, f"/data/lines/{number}/product_id")
    if order is not None:
        raise refused("order_exists", "/data/order_id")
    if sent.role != "importer":
        for number, line in enumerate(command.lines):
            if registers.is_suspended(line.product_id):
                raise refused("product_suspended", f"/data/lines/{number}/product_id")


def _line(
    line: OrderedLine, command: PlaceOrder, day: date, due: datetime, world: World
) -> PlacedLine:
    product = world.registers.products[line.product_id]
    role = world.registers.role_of(line.product_id, division_of(command.hospital_id), day)
    selected_price = None if role is None else role.selected_price
    batch_id = None if role is None else role.batch_id
    return PlacedLine(
        line_id=line.line_id,
        product_id=line.product_id,
        quantity=line.quantity,
        unit_price=line.unit_price,
        quantity_text=line.quantity_sent,
        unit_price_text=line.unit_price_sent,
        delivery_due=due,
        required_by=line.required_by,
        manufacturer_id=product.manufacturer_id,
        category=product.category,
        generic_name=product.generic_name,
        supplier_role="none" if role is None else role.role,
        selected_price=selected_price,
        selected_price_text=None if selected_price is None else shortest_text(selected_price),
        batch_id=batch_id,
        agreement_id=world.agreement(
            command.hospital_id, line.product_id, command.distributor_id, batch_id
        ),
        price_above_selected=selected_price is not None and line.unit_price > selected_price,
    )

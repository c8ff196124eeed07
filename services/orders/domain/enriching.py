"""What every fact repeats of its order and of the lines it names (事实的补充属性).

It is what held when the order was recorded: later changes of a register never reach it. Tuples in
the order of the fact's own members, for members by name cost the road of a write twice as much.
"""

from __future__ import annotations

from datetime import datetime

from services.orders.domain.order import Line, Order, shortest_text
from shared.events.forms import Category, Level, SupplierRole
from shared.kernel.codes import division_of


def of_order(order: Order, at: datetime) -> tuple[str, str, str, str, datetime, Level | None]:
    """The members that every fact of this order begins with: see `OrderFact`."""
    return (
        order.order_id,
        order.hospital_id,
        order.distributor_id,
        division_of(order.hospital_id),
        at,
        order.level,
    )


def of_line(
    line: Line,
) -> tuple[
    str, str, str, Category, str, SupplierRole, int | None, str | None, str | None, str | None
]:
    """The members that every fact repeats of a line it names: see `LineFact`."""
    price = line.selected_price
    return (
        line.line_id,
        line.product_id,
        line.manufacturer_id,
        line.category,
        line.generic_name,
        line.supplier_role,
        price,
        None if price is None else shortest_text(price),
        line.batch_id,
        line.agreement_id,
    )

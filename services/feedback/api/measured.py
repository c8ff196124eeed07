"""What became of the orders that a ticket names (工单所列订单的到货情况), from the facts on the bus.

"Solved" is what an addressee says; this is what was measured, for the hospital that is asked to
confirm. A ticket opens no door: an order that the reader could not see elsewhere, or that is another
hospital's, stands here as one that nobody knows (contract, section 2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from services.feedback.domain.arriving import (
    KnownOrder,
    MeasuredLine,
    Verdict,
    measure,
    verdict,
)
from services.feedback.domain.deliveries import arrived_lines, ordered_lines
from services.feedback.domain.ticket import Ticket
from services.feedback.projections.deliveries import find_orders
from shared.kernel.clock import local_text
from shared.kernel.quantity import format_quantity
from shared.runtime.actors import Actor

_SAYS: Final[dict[Verdict, tuple[str, str]]] = {
    "arrived": (
        "平台记录: 所列订单中该产品已全部到货",
        "on record, all of this product in the named orders has arrived",
    ),
    "partly": (
        "平台记录: 所列订单中该产品仅部分到货",
        "on record, only part of this product in the named orders has arrived",
    ),
    "not_arrived": (
        "平台记录: 所列订单中该产品尚未到货",
        "on record, none of this product in the named orders has arrived",
    ),
    "unknown": (
        "所列订单中没有该产品的可见记录, 无法判断是否到货",
        "there is no visible record of this product in the named orders, so nobody can tell",
    ),
}

_ASKS: Final = (
    "供方称已解决, 请据此确认, 或重新打开",
    "an addressee says that it is solved: confirm it, or reopen it",
)


async def measured(
    connection: Any, tickets: Sequence[Ticket], actor: Actor
) -> list[dict[str, Any] | None]:
    """What has arrived of each ticket's product, for this reader; None where no order is named.

    One question for all of them: a page of tickets costs no more than one.
    """
    named = {(order_id, one.hospital_id) for one in tickets for order_id in one.order_ids}
    rows = await find_orders(connection, named) if named else []
    known = {(row["order_id"], row["hospital_id"]): _visible(_known(row), actor) for row in rows}
    return [_told(ticket, known, actor) if ticket.order_ids else None for ticket in tickets]


def _told(
    ticket: Ticket, known: Mapping[tuple[str, str], KnownOrder], actor: Actor
) -> dict[str, Any]:
    found = {
        order_id: measure(order, ticket.product_id)
        if (order := known.get((order_id, ticket.hospital_id)))
        else []
        for order_id in ticket.order_ids
    }
    missing = sum(not lines for lines in found.values())
    lines = [line for some in found.values() for line in some]
    state = verdict(lines, missing=missing)
    asks = ticket.state == "solved" and actor.role == "hospital"
    zh, en = _message(state, lines, missing if lines else 0, asks=asks)
    return {
        "state": state,
        "message_zh": zh,
        "message_en": en,
        "orders": [_order(order_id, some) for order_id, some in found.items()],
    }


def _known(row: Any) -> KnownOrder:
    return KnownOrder(
        row["order_id"],
        row["distributor_id"],
        ordered_lines(row["lines"]),
        [
            (at, arrived_lines(lines))
            for at, lines in zip(row["arrived_at"], row["arrived"], strict=True)
        ],
        frozenset(row["cancelled"]),
        frozenset(row["void"]),
    )


def _visible(order: KnownOrder, actor: Actor) -> KnownOrder:
    """Of the order what this reader of the ticket may see of orders at all (可见范围)."""
    match actor.role:
        case "distributor" if actor.organisation != order.distributor_id:
            return replace(order, lines=())
        case "manufacturer":
            own = [line for line in order.lines if line.manufacturer_id == actor.organisation]
            return replace(order, lines=own)
    return order


def _message(
    state: Verdict, lines: Sequence[MeasuredLine], missing: int, *, asks: bool
) -> tuple[str, str]:
    """The verdict in words, Chinese and English, with what it leaves out."""
    states = [line.state for line in lines]
    zh, en = ([text] for text in _SAYS[state])
    for count, chinese, english in (
        (missing, "张订单无可见记录", "orders without a visible record"),
        (states.count("cancelled"), "条明细已撤销", "lines cancelled"),
        (states.count("void"), "条明细已作废", "lines void"),
    ):
        if count:
            zh.append(f"{count} {chinese}")
            en.append(f"{english}: {count}")
    if asks:
        zh.append(_ASKS[0])
        en.append(_ASKS[1])
    return "; ".join(zh), "; ".join(en)


def _order(order_id: str, lines: Sequence[MeasuredLine]) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "state": verdict(lines, missing=not lines),
        "lines": [
            {
                "line_id": line.line_id,
                "product_id": line.product_id,
                "ordered": format_quantity(line.ordered),
                "arrived": format_quantity(line.arrived),
                "arrived_at": None if line.arrived_at is None else local_text(line.arrived_at),
                "state": line.state,
            }
            for line in lines
        ],
    }

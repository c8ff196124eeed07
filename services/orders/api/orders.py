"""Orders over HTTP (订单查询与对账)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BeforeValidator

from services.orders.api.sheet import answer_sheet
from services.orders.api.views import history_document, may_see, order_document
from services.orders.domain.order import Order, decode, states_bits
from services.orders.projections.orders import find_state, history_of, list_orders, reconcile
from services.orders.projections.registers import stored as stored_entries
from shared.kernel.canonical import root
from shared.runtime.actors import CurrentActor, not_found
from shared.runtime.feed import cursor_of, place_behind
from shared.runtime.fields import written_day
from shared.runtime.pages import After, Limit, cursor, page, read_cursor
from shared.runtime.problems import language_of
from shared.runtime.room import Room, room_of
from shared.store.horizon import Cursor, wait_until_settled

router = APIRouter(prefix="/orders/v1", tags=["orders 订单"])
OrdersRoom = Annotated[Room, Depends(room_of("orders"))]

State = Literal[
    "awaiting_answer",
    "accepted",
    "refused",
    "cancelled",
    "void",
    "dispatched",
    "arrived",
    "received",
]


@router.get("/orders/{order_id}")
async def get_order(order_id: str, actor: CurrentActor, room: OrdersRoom) -> dict[str, Any]:
    """一张订单: 明细状态、时限、数量与全部事实."""
    async with room.pool.acquire() as connection:
        stored = await find_state(connection, order_id)
        order = None if stored is None else decode(stored)
        if order is None or not may_see(actor, order):
            raise not_found("订单不存在, 或您无权查看", "no such order, or not yours to see")
        history = await history_of(connection, order_id)
    document = order_document(order, actor)
    document["history"] = [history_document(row) for row in history]
    return document


@router.get("/orders", response_model=None)
async def get_orders(
    request: Request,
    actor: CurrentActor,
    room: OrdersRoom,
    state: Annotated[State | None, Query(description="有明细处于该状态的订单")] = None,
    distributor_id: str | None = None,
    hospital_id: str | None = None,
    after: After = None,
    limit: Limit = 100,
    format: Literal["json", "csv", "xlsx"] = "json",
) -> Response | dict[str, Any]:
    """订单列表, 按登记顺序; `format=csv|xlsx` 为可填写的响应表."""
    place = await place_behind(room.pool, after)
    async with room.pool.acquire() as connection:
        await wait_until_settled(connection)
        found = await list_orders(
            connection,
            actor,
            states=None if state is None else states_bits(state),
            distributor_id=distributor_id,
            hospital_id=hospital_id,
            after=(place.xid, place.position),
            limit=limit,
        )
        orders = [decode(one.state) for one in found]
        names = {} if format == "json" else await _names(connection, orders)
    last = found[-1] if found else None
    next_cursor = None if last is None else cursor_of(Cursor(place.epoch, last.xid, last.position))
    if format == "json":
        return page([order_document(order, actor) for order in orders], limit, next_cursor)
    next_page = request.url.include_query_params(after=next_cursor)
    return answer_sheet(
        orders,
        actor,
        language_of(request),
        format,
        state=state,
        names=names,
        next_link=f"{next_page.path}?{next_page.query}" if len(found) >= limit else None,
    )


async def _names(connection: Any, orders: Sequence[Order]) -> dict[str, str]:
    """The names of the hospitals and products of these orders: ids alone tell people little."""
    hospitals = {order.hospital_id for order in orders}
    products = {line.product_id for order in orders for line in order.lines.values()}
    entries = await stored_entries(connection, "organisation", sorted(hospitals))
    entries |= await stored_entries(connection, "product", sorted(products))
    return {id_: body["name"] for id_, body in entries.items()}


@router.get("/reconciliation")
async def get_reconciliation(
    actor: CurrentActor,
    room: OrdersRoom,
    day: Annotated[date, BeforeValidator(written_day), Query(description="登记日, yyyy-MM-dd")],
    after: After = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """对账: 当日有事实登记的每张订单, 截至当日 24:00 的事实数与根哈希."""
    behind = read_cursor(after, str)[0] if after is not None else ""
    async with room.pool.acquire() as connection:
        await wait_until_settled(connection)
        found = await reconcile(connection, actor, day, after=behind, limit=limit)
    items = [
        {
            "order_id": order_id,
            "facts": len(hashes),
            "sha256": root(sha256.hex() for sha256 in hashes),
        }
        for order_id, hashes in found
    ]
    return page(items, limit, cursor(found[-1][0]) if found else None)

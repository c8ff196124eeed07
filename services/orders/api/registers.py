"""The registers over HTTP (基础信息接口): PUT by the province or an importer, GET by everybody."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path

from services.orders.api.bodies import BODIES, PATHS
from services.orders.api.recording import entry_of, put_entries
from services.orders.projections.registers import stored
from shared.kernel.errors import Refusal
from shared.runtime.actors import Actor, CurrentActor, forbidden, not_found
from shared.runtime.bodies import JsonObject
from shared.runtime.pages import After, Limit, cursor, page, read_cursor
from shared.runtime.problems import refusal_problem
from shared.runtime.room import Room, room_of
from shared.runtime.said import documented

router = APIRouter(prefix="/orders/v1", tags=["registers 基础信息"])
OrdersRoom = Annotated[Room, Depends(room_of("orders"))]
Id = Annotated[str, Path(description="编号", max_length=64)]


def may_write(actor: Actor) -> None:
    """The provincial bureau and importers write registers; everybody else gets 403."""
    if not (actor.is_province or actor.role == "importer"):
        raise forbidden(
            "只有省级医保部门和数据迁移方可以登记", "only the province and importers may"
        )


def _routes(word: str, kind: str) -> None:
    async def put(
        id: Id, actor: CurrentActor, room: OrdersRoom, body: JsonObject
    ) -> dict[str, Any]:
        may_write(actor)
        try:
            entry = entry_of(kind, id, body)
        except Refusal as refusal:
            raise refusal_problem(refusal) from None
        [refused] = await put_entries(room, actor, [entry])
        if refused is not None:
            raise refusal_problem(refused)
        return {**body, "id": id}

    async def get(id: Id, actor: CurrentActor, room: OrdersRoom) -> dict[str, Any]:
        body = (await stored(room.pool, kind, [id])).get(id)
        if body is None:
            raise not_found()
        return {**body, "id": id}

    async def list_(
        actor: CurrentActor, room: OrdersRoom, after: After = None, limit: Limit = 100
    ) -> dict[str, Any]:
        behind = read_cursor(after, str)[0] if after is not None else ""
        rows = await room.pool.fetch(
            "SELECT id, body FROM registers WHERE kind = $1 AND id > $2 ORDER BY id LIMIT $3",
            kind,
            behind,
            limit,
        )
        items = [{**msgspec.json.decode(row["body"]), "id": row["id"]} for row in rows]
        return page(items, limit, cursor(items[-1]["id"]) if items else None)

    path = f"/{word}"
    router.add_api_route(
        f"{path}/{{id}}",
        put,
        methods=["PUT"],
        name=f"put_{kind}",
        openapi_extra=documented(BODIES[kind]),
    )
    router.add_api_route(f"{path}/{{id}}", get, methods=["GET"], name=f"get_{kind}")
    router.add_api_route(path, list_, methods=["GET"], name=f"list_{kind}")


for _word, _kind in PATHS.items():
    _routes(_word, _kind)

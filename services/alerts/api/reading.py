"""What every door of figures needs (查询公用): the room, one state of the rows, names, cursors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends

from services.alerts.api.question import unknown_subject
from services.alerts.projections.model import hold_tables
from services.alerts.projections.registers import names_of
from shared.kernel.codes import is_path_id
from shared.runtime.pages import bad_cursor, read_cursor
from shared.runtime.room import Room, room_of

AlertsRoom = Annotated[Room, Depends(room_of("alerts"))]


@asynccontextmanager
async def snapshot(room: Room) -> AsyncIterator[Any]:
    """A connection on which all statements of one answer see the same rows (一致性读取)."""
    async with (
        room.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        await hold_tables(connection)
        yield connection


async def registered(
    connection: Any, subject: str, id_: str, publication: int | None = None
) -> dict[str, str | None]:
    """The name of a subject that must be registered as that kind; else 404 (主体登记)."""
    names = await names_of(connection, subject, [id_], publication) if is_path_id(id_) else {}
    if id_ not in names:
        raise unknown_subject()
    return names


def ids_behind(text: str | None, count: int) -> tuple[str, ...] | None:
    """The ids that a cursor names; 422 for anything that no id looks like (分页)."""
    if text is None:
        return None
    ids = read_cursor(text, *[str] * count)
    if not all(is_path_id(part) for part in ids):
        raise bad_cursor()
    return ids

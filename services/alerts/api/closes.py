"""Closes over HTTP (日结记录): which have run, how late, and what was parked then."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from services.alerts.api.reading import AlertsRoom
from services.alerts.domain.late_list import is_morning
from services.alerts.projections.closes import closes_before
from shared.kernel.clock import local_text, parse_instant, utc_text
from shared.runtime.actors import Actor, CurrentActor, forbidden
from shared.runtime.pages import After, Limit, bad_cursor, cursor, page, read_cursor

router = APIRouter(prefix="/alerts/v1", tags=["alerts"])

_WATCHING = frozenset({"bureau", "regulator", "finance", "importer", "ops"})


def watcher(actor: CurrentActor) -> Actor:
    """Whoever watches over the platform: not its parties (监管方)."""
    if actor.role not in _WATCHING:
        raise forbidden("只有医保部门和监管方可以查看日结记录", "bureaus and overseers only")
    return actor


@router.get("/closes", summary="日结与清单的运行记录, 最近的在前")
async def get_closes(
    _watcher: Annotated[Actor, Depends(watcher)],
    room: AlertsRoom,
    after: After = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """The closes that are done, the latest first."""
    before = None
    if after is not None:
        try:
            before = parse_instant(read_cursor(after, str)[0])
        except ValueError:
            raise bad_cursor() from None
    items = [_document(row) for row in await closes_before(room.pool, before, limit)]
    return page(items, limit, cursor(items[-1]["at"]) if items else None)


def _document(row: Any) -> dict[str, Any]:
    at, ran_at = row["close_at"], row["ran_at"]
    return {
        "at": utc_text(at),
        "local": local_text(at),
        "kind": "late_response_lists" if is_morning(at) else "day_close",
        "ran_at": utc_text(ran_at),
        "late_seconds": int((ran_at - at).total_seconds()),
        "parked": row["parked"],
    }

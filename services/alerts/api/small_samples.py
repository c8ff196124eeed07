"""Small samples over HTTP (小样本): below a threshold, on too few lines to alert."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

from fastapi import APIRouter

from services.alerts.api.alerts import Rule, Subject
from services.alerts.api.question import Viewer
from services.alerts.api.reading import AlertsRoom, ids_behind
from services.alerts.policy import WHOLE_PROVINCE
from services.alerts.projections.samples import last_closed_day, list_samples
from shared.kernel.rates import Rate
from shared.runtime.fields import Day
from shared.runtime.pages import After, Limit, cursor, page

router = APIRouter(prefix="/alerts/v1", tags=["alerts"])


@router.get("/small-samples", summary="小样本: 低于预警线但明细不足")
async def get_small_samples(
    viewer: Viewer,
    room: AlertsRoom,
    day: Day | None = None,
    rule: Rule | None = None,
    subject: Subject | None = None,
    after: After = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """What one day close found, by default the last one, by rule and subject."""
    behind = cast("tuple[str, str, str] | None", ids_behind(after, 3))
    async with room.pool.acquire() as connection:
        asked = date.fromisoformat(day) if day else await last_closed_day(connection)
        if asked is None:
            return page([], limit, None)
        rows = await list_samples(
            connection, viewer, asked, rule=rule, subject=subject, after=behind, limit=limit
        )
    items = [_document(row) for row in rows]
    last = items[-1] if items else None
    return page(
        items, limit, cursor(last["rule"], last["subject"], last["subject_id"]) if last else None
    )


def _document(row: Any) -> dict[str, Any]:
    return {
        "rule": row["rule"],
        "subject": row["subject"],
        "subject_id": row["subject_id"],
        "scope": WHOLE_PROVINCE,
        "day": row["day"].isoformat(),
        "figure": Rate(row["numerator"], row["denominator"]).document(),
        "threshold": row["threshold"],
    }

"""Alerts as stored (预警查询): what a close finds standing, one by its id, many by their subject."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from services.alerts.projections.scope import Where
from services.alerts.projections.states import equal_where_asked, one_state, states_by_id
from shared.kernel.codes import subtree_prefix
from shared.runtime.actors import Actor

_STANDING: Final = """
SELECT stream, rule, subject, subject_id, raised_at, cleared_at FROM streams
WHERE rule = ANY($2::text[]) AND (cleared_at IS NULL OR cleared_at >= $1) ORDER BY raised_at"""


class AlertFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which alerts a list asks for (筛选条件)."""

    state: str | None = None
    rule: str | None = None
    subject: str | None = None
    subject_id: str | None = None


async def standing_alerts(tx: Any, at: datetime, rules: list[str]) -> list[Any]:
    """Alerts not cleared before an instant, the one that was raised last standing last."""
    return list(await tx.fetch(_STANDING, at, rules))


def visible_alerts(where: Where, actor: Actor) -> None:
    """Only what this caller may see: about itself, or with a line in its area (可见范围)."""
    if actor.sees_everything or actor.role == "finance":
        return
    match actor.role:
        case "distributor" | "manufacturer":
            where.add("subject = {0} AND subject_id = {1}", actor.role, actor.organisation)
        case "bureau":
            where.add("strpos(' ' || divisions, {0}) > 0", f" {subtree_prefix(actor.organisation)}")
        case _:
            where.add("false")


async def find_alert(connection: Any, actor: Actor, alert_id: str) -> bytes | None:
    """The state of an alert that this caller may see."""
    where = Where()
    where.add("stream = {0} AND rule IS NOT NULL", f"alert-{alert_id}")
    visible_alerts(where, actor)
    return await one_state(connection, where)


async def list_alerts(
    connection: Any, actor: Actor, wanted: AlertFilter, *, after: str, limit: int
) -> list[bytes]:
    """Alerts that this caller may see, by id."""
    where = Where()
    where.add("rule IS NOT NULL AND stream > {0}", f"alert-{after}")
    visible_alerts(where, actor)
    if wanted.state is not None:
        where.add("cleared_at IS NULL" if wanted.state == "open" else "cleared_at IS NOT NULL")
    equal_where_asked(where, wanted, "rule", "subject", "subject_id")
    return await states_by_id(connection, where, limit)

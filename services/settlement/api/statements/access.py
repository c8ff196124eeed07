"""Who may see statements and who takes which step (对账权限): 404 goes before 403."""

from __future__ import annotations

from typing import Any

from services.settlement.projections.statements import find_statements
from shared.kernel.codes import pool_of
from shared.kernel.errors import Problem
from shared.runtime.actors import Actor, forbidden, not_found
from shared.runtime.room import Room


async def seen(room: Room, actor: Actor, statement_id: str) -> Any:
    """The statement's row; 404 where there is none for this caller."""
    row = (await find_statements(room.pool, actor, [statement_id])).get(statement_id)
    if row is None:
        raise no_statement()
    return row


def no_statement() -> Problem:
    """404 (无此对账单)."""
    return not_found("没有这一对账单, 或您无权查看", "no such statement, or not yours to see")


def is_party(actor: Actor) -> bool:
    """Whether a caller who sees a statement is one of its two sides (对账双方)."""
    return actor.role in ("hospital", "distributor")


def is_of_pool(actor: Actor, role: str, hospital_id: str) -> bool:
    """Whether it is this office of the hospital's pool, or the province's (统筹区经办)."""
    pools = (pool_of(hospital_id), "360000")
    return actor.role == role and actor.organisation in pools


def of_province(actor: Actor) -> None:
    """403 unless it is the province's bureau (省级医保部门)."""
    if not actor.is_province:
        raise forbidden("只有省级医保部门可以暂停和恢复结算", "for the province's bureau")

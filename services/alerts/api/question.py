"""What a caller asks for (查询参数), and how much of it they may see (可见范围)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import Depends
from pydantic import BaseModel, Field

from services.alerts.domain.window import parse_as_of, parse_window
from services.alerts.projections.scope import Scope
from shared.kernel.clock import local_day
from shared.kernel.codes import covers
from shared.kernel.errors import Problem, Refusal
from shared.runtime.actors import Actor, CurrentActor, forbidden
from shared.runtime.pages import Limit

_PATH_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_ONE_DAY = timedelta(days=1)


class Filters(BaseModel):
    """Window and filters that every figure takes (统计窗口与筛选)."""

    window: str = Field("30d", max_length=10, description="30d、90d、YYYY-MM、YYYYQn、YYYY")
    as_of: str | None = Field(None, max_length=10, description="截至日, 默认最近一个完整日")
    category: Literal["drug", "consumable"] | None = None
    division: str | None = Field(None, pattern=r"^[0-9]{6}$", description="区划, 含下级")
    level: Literal["primary", "secondary", "tertiary"] | None = None
    role: Literal["all", "selected"] = "all"
    batch_id: str | None = Field(None, pattern=_PATH_ID)
    publication_id: str | None = Field(
        None, max_length=100, description="发布编号: 按当时已知的事实作答"
    )


class ScorecardQuery(Filters):
    """A page of scorecards, or one (评分卡查询)."""

    subject: Literal["distributor", "manufacturer", "product"]
    id: str | None = None
    after: str | None = None
    limit: Limit = 100


class EvidenceQuery(Filters):
    """The counted lines behind one figure (证据查询)."""

    subject: Literal["distributor", "manufacturer", "product", "total"]
    id: str | None = None
    rate: Literal[
        "response", "answered", "on_time", "on_time_first", "delivery", "receipt", "feedback",
        "rectification", "response_orders_ytd",
    ] = "response"  # fmt: skip
    outcome: Literal["hit", "miss"] | None = None
    after: str | None = None
    limit: Limit = 100


def hit_of(query: EvidenceQuery) -> bool | None:
    """Whether hits or misses alone are asked for (命中筛选)."""
    return None if query.outcome is None else query.outcome == "hit"


@dataclass(frozen=True, slots=True)
class Days:
    """The days of a question, worked out (统计区间)."""

    window: str
    as_of: date
    first: date
    last: date


def viewer(actor: CurrentActor) -> Actor:
    """Whoever may look at figures at all: not hospitals (查看者)."""
    if actor.role == "hospital":
        raise forbidden("医疗机构不能查看供应商评分", "hospitals see no scorecards")
    return actor


Viewer = Annotated[Actor, Depends(viewer)]


def scope_for(actor: Actor, filters: Filters, subject: str, id_: str | None) -> Scope:
    """The part of a question that this caller may see: 404 beyond it, 403 outside a bureau's area."""
    if actor.role in ("distributor", "manufacturer"):
        if subject != actor.role or id_ not in (None, actor.organisation):
            raise unknown_subject()
        id_ = actor.organisation
    return Scope(
        subject=subject,
        id=id_,
        category=filters.category,
        division=_division_for(actor, filters.division),
        level=filters.level,
        selected_only=filters.role == "selected",
        batch_id=filters.batch_id,
    )


def _division_for(actor: Actor, asked: str | None) -> str | None:
    """A county's or city's bureau looks at its own area, or at a part of it (管辖范围)."""
    if actor.role != "bureau" or actor.is_province:
        return asked
    if asked is not None and not covers(actor.organisation, asked):
        raise forbidden(
            f"区划 {asked} 不在 {actor.organisation} 辖区内",
            f"{asked} does not lie in {actor.organisation}",
        )
    return asked or actor.organisation


def days_of(filters: Filters, now: datetime) -> Days:
    """The window in days, as of the last complete local day unless said otherwise (统计区间)."""
    try:
        as_of = parse_as_of(filters.as_of, local_day(now) - _ONE_DAY)
        window = parse_window(filters.window, as_of)
    except Refusal as refusal:
        raise unprocessable(refusal) from None
    return Days(filters.window, as_of, window.first, window.last)


def unprocessable(refusal: Refusal) -> Problem:
    """422 with the refusal's code and where it stands (参数错误)."""
    error = {"pointer": refusal.pointer, "code": refusal.code, "detail": refusal.detail_zh}
    return Problem(422, refusal.code, refusal.detail_zh, refusal.detail_en, errors=[error])


def unknown_subject() -> Problem:
    """404: not registered as that kind, or not yours to see (主体不存在)."""
    return Problem(
        404,
        "unknown_subject",
        "该主体未登记为此类型, 或不在可见范围内",
        "not registered as that kind, or not yours to see",
    )


def evidence_url(
    scope: Scope, filters: Filters, days: Days, id_: str, publication_id: str | None = None
) -> str:
    """Where the lines behind an item stand; add `&rate=` (证据链接)."""
    query = {
        "subject": scope.subject,
        "id": id_,
        "window": days.window,
        "as_of": days.as_of.isoformat(),
        "category": scope.category,
        "division": scope.division,
        "level": scope.level,
        "role": filters.role,
        "batch_id": scope.batch_id,
        "publication_id": publication_id,
    }
    given = {name: value for name, value in query.items() if value is not None}
    return "/alerts/v1/evidence?" + urlencode(given)

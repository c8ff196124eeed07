"""Publications over HTTP (指标发布): issue one, list them, and what has changed since."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from services.alerts.api.basis import publication_named
from services.alerts.api.preparing import prepared
from services.alerts.api.publishing import issue
from services.alerts.api.question import Filters, Viewer, days_of
from services.alerts.api.reading import AlertsRoom, ids_behind, snapshot
from services.alerts.api.restatements import RestatementQuery, page_of_restatements
from services.alerts.projections.publications import Publication, being_prepared, publications_after
from shared.kernel.clock import utc_text
from shared.runtime.actors import Actor, CurrentActor, forbidden
from shared.runtime.fields import Body, Words
from shared.runtime.pages import After, Limit, cursor, page

router = APIRouter(prefix="/alerts/v1", tags=["alerts"])

ISSUE_SECONDS: Final = 20.0
"""How long an answer waits for the roots; of a whole province they may take minutes."""
LIST_SECONDS: Final = 1.0


class PublicationBody(Body):
    """What to publish (发布请求): a window, and the day it stands at."""

    window: Annotated[Words, Field(max_length=10, description="30d、90d、YYYY-MM、YYYYQn、YYYY")]
    as_of: Annotated[Words, Field(max_length=10, description="截至日, 须为完整日")]


def publisher(actor: CurrentActor) -> Actor:
    """Only the province publishes (发布权限)."""
    if not actor.is_province:
        raise forbidden("只有省级医疗保障部门可以发布", "only the province publishes")
    return actor


Publisher = Annotated[Actor, Depends(publisher)]


@router.post("/publications", status_code=201, summary="发布: 固化一期评分卡及其证据")
async def post_publication(
    publisher: Publisher, room: AlertsRoom, body: PublicationBody
) -> dict[str, Any]:
    """Freeze a run of scorecards with its evidence, on what is known now."""
    days = days_of(Filters(window=body.window, as_of=body.as_of), await room.now())
    issued = await issue(room, publisher, days)
    await prepared(room, issued, seconds=ISSUE_SECONDS)
    return document(await publication_named(room.pool, issued.publication_id))


@router.get("/publications", summary="发布列表, 按编号排列")
async def list_publications(
    viewer: Viewer, room: AlertsRoom, after: After = None, limit: Limit = 100
) -> dict[str, Any]:
    """Every publication, by id."""
    behind = ids_behind(after, 1)
    for unfinished in await being_prepared(room.pool):
        await prepared(room, unfinished, seconds=LIST_SECONDS)
    found = await publications_after(room.pool, behind[0] if behind else "", limit)
    last = cursor(found[-1].publication_id) if found else None
    return page([document(one) for one in found], limit, last)


@router.get("/publications/{publication_id}", summary="一期发布")
async def get_publication(publication_id: str, viewer: Viewer, room: AlertsRoom) -> dict[str, Any]:
    """What a publication stands on, and its roots."""
    found = await publication_named(room.pool, publication_id)
    await prepared(room, found, seconds=ISSUE_SECONDS)
    return document(await publication_named(room.pool, publication_id))


@router.get(
    "/publications/{publication_id}/restatements", summary="重述: 发布后因新事实而变化的指标"
)
async def get_restatements(
    publication_id: str,
    viewer: Viewer,
    room: AlertsRoom,
    query: Annotated[RestatementQuery, Query()],
) -> dict[str, Any]:
    """The figures that are different now, each with the events that made them so."""
    async with snapshot(room) as connection:
        published = await publication_named(connection, publication_id)
        return await page_of_restatements(connection, viewer, published, query)


def document(publication: Publication) -> dict[str, Any]:
    """A publication as it is answered; it has both roots or none."""
    return {
        "publication_id": publication.publication_id,
        "window": publication.window,
        "as_of": publication.as_of.isoformat(),
        "known_at": utc_text(publication.known_at),
        "policy_version": publication.policy_version,
        "calendar_version": publication.calendar_version,
        "root": publication.root,
        "evidence_root": publication.evidence_root,
        "state": "preparing" if publication.root is None else "issued",
    }

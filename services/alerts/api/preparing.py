"""The roots of a publication (发布根哈希), worked out after it is issued, in many short steps.

The rows no longer change, so steps need no common transaction and whoever starts over finds the
same. A process that dies leaves a publication without roots; the next one asked about it goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import structlog

from services.alerts.api.acting import act
from services.alerts.api.frozen import evidence_of, scorecards_of
from services.alerts.commands import IssuePublication
from services.alerts.domain.publication import stream_of_publication
from services.alerts.domain.roots import RunningRoot
from services.alerts.projections.publications import Publication, complete
from shared.events.alerts import PublicationIssued
from shared.runtime.actors import parse_actor
from shared.runtime.room import Room

log = structlog.get_logger()

_running: dict[tuple[int, int], asyncio.Task[None]] = {}
"""What this process is at, by room and publication: who asks meanwhile does not do it twice."""


async def prepared(room: Room, publication: Publication, *, seconds: float) -> None:
    """Have the roots worked out, and wait for them so long; a caller who leaves stops nothing."""
    if publication.root is not None:
        return
    key = (id(room), publication.number)
    task = _running.get(key)
    if task is None:
        task = _running[key] = asyncio.create_task(_prepare(room, publication))
        task.add_done_callback(lambda _: _running.pop(key, None))
    await asyncio.wait({task}, timeout=seconds)


async def _prepare(room: Room, publication: Publication) -> None:
    try:
        root = await _root_of(scorecards_of(room, publication))
        evidence_root = await _root_of(evidence_of(room, publication))
        await _tell(room, publication, root, evidence_root)
        await complete(room.pool, publication.number, root, evidence_root)
    except Exception:
        log.exception("publication.not_prepared", publication_id=publication.publication_id)


async def _tell(room: Room, publication: Publication, root: str, evidence_root: str) -> None:
    """Record the fact, once: who died before the last step finds it told (发布事实)."""
    fact = PublicationIssued(
        publication_id=publication.publication_id,
        window=publication.window,
        as_of=publication.as_of,
        known_at=publication.known_at,
        policy_version=publication.policy_version,
        calendar_version=publication.calendar_version,
        root=root,
        evidence_root=evidence_root,
    )
    stream = stream_of_publication(publication.publication_id)
    await act(room, parse_actor(publication.issued_by), stream, IssuePublication(fact))


async def _root_of(items: AsyncIterator[dict[str, Any]]) -> str:
    root = RunningRoot()
    async for item in items:
        root.add(item)
    return root.hexdigest()

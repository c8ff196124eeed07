"""The fact of a publication (发布): that it stands, on what, and under which roots."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from shared.events.alerts import PUBLICATION_ISSUED, PublicationIssued
from shared.events.topics import ALERTS
from shared.kernel.decider import Decided
from shared.kernel.errors import Refusal


def stream_of_publication(publication_id: str) -> str:
    """The stream of one publication."""
    return f"publication-{publication_id}"


def published(publication: PublicationIssued, *, at: datetime) -> Decided:
    """The platform's own fact; it concerns everybody, so it names no place (发布事实)."""
    data: dict[str, Any] = msgspec.to_builtins(publication)
    return Decided(
        topic=ALERTS,
        type=PUBLICATION_ISSUED,
        fact=publication,
        at=at,
        event_id=f"{publication.publication_id}-issued",
        data=data,
    )


def already_published(publication: PublicationIssued) -> Refusal:
    """Whoever prepared it before has said so (已发布)."""
    id_ = publication.publication_id
    return Refusal("already_published", f"{id_} 已经发布", f"{id_} was published before")

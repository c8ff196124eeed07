"""What an answer stands on (作答依据): the facts of now, or those of a publication."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.alerts.api.question import Days, Filters, days_of, unprocessable
from services.alerts.policy import Term, score_terms
from services.alerts.projections.publications import Publication, find
from services.alerts.projections.scope import Scope, frozen
from shared.kernel.clock import utc_text
from shared.kernel.errors import Problem, malformed
from shared.kernel.policy import Policy


@dataclass(frozen=True, slots=True)
class Basis:
    """Days, knowledge and policy of one answer (作答依据)."""

    days: Days
    known_at: datetime
    policy_version: str
    score_terms: Mapping[str, Term]
    publication_id: str | None = None

    def said(self) -> dict[str, str]:
        """How an answer names what it stands on."""
        return {"known_at": utc_text(self.known_at), "policy_version": self.policy_version}


async def publication_of(connection: Any, filters: Filters) -> Publication | None:
    """The publication that a question names, if it names one (发布)."""
    if filters.publication_id is None:
        return None
    return await publication_named(connection, filters.publication_id)


async def publication_named(connection: Any, publication_id: str) -> Publication:
    """The publication of this id; 404 where there is none (发布)."""
    found = await find(connection, publication_id)
    if found is None:
        raise Problem(
            404, "unknown_publication", "没有这一发布编号", "there is no publication of this id"
        )
    return found


def of_publication(scope: Scope, publication: Publication | None) -> Scope:
    """The same lines as they stood when it was issued; those of now without one (统计范围)."""
    return frozen(scope, None if publication is None else publication.number)


def basis_of(
    filters: Filters, publication: Publication | None, now: datetime, policy: Policy
) -> Basis:
    """Of a publication everything stands as it was issued; else it is worked out now (作答依据)."""
    if publication is None:
        return Basis(days_of(filters, now), now, policy.version, score_terms(policy))
    _refuse_other_days(filters, publication)
    return basis_of_publication(publication)


def basis_of_publication(publication: Publication) -> Basis:
    """What the answers of a publication stand on for ever (发布依据)."""
    return Basis(
        Days(publication.window, publication.as_of, publication.first, publication.last),
        publication.known_at,
        publication.policy_version,
        publication.score_terms,
        publication.publication_id,
    )


def _refuse_other_days(filters: Filters, publication: Publication) -> None:
    """Window and day are the publication's; naming them again is idle, naming others an error."""
    published = {"window": publication.window, "as_of": publication.as_of.isoformat()}
    for name, value in published.items():
        if name in filters.model_fields_set and getattr(filters, name) not in (None, value):
            raise unprocessable(
                malformed(
                    f"发布 {publication.publication_id} 的 {name} 是 {value}",
                    f"{name} of publication {publication.publication_id} is {value}",
                    f"/{name}",
                )
            )

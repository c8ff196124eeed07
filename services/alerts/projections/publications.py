"""Publications (发布): which there are, what each stands on, and its roots once they are known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

import msgspec

from services.alerts.policy import Term
from services.alerts.projections.freezing import count_issued

_decode_terms = msgspec.json.Decoder(dict[str, Term]).decode


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """A run of scorecards that stands for ever; without roots while it is being prepared (发布)."""

    number: int
    publication_id: str
    window: str
    as_of: date
    first: date
    last: date
    known_at: datetime
    policy_version: str
    calendar_version: str
    score_terms: dict[str, Term]
    issued_by: str
    root: str | None = None
    evidence_root: str | None = None


_COLUMNS: Final = """number, publication_id, window_name, as_of, first_day, last_day, known_at,
  policy_version, calendar_version, score_terms, issued_by, root, evidence_root"""

_INSERT: Final = f"""
INSERT INTO publications ({_COLUMNS})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"""

_NAMES: Final = """
INSERT INTO published_names (number, kind, id, name, kinds)
SELECT $1, kind, id, name, kinds FROM registers WHERE kind IN ('organisation', 'product')"""

_FIND: Final = f"SELECT {_COLUMNS} FROM publications WHERE publication_id = $1"

_LIST: Final = f"""
SELECT {_COLUMNS} FROM publications WHERE publication_id > $1 ORDER BY publication_id LIMIT $2"""

_PREPARING: Final = f"SELECT {_COLUMNS} FROM publications WHERE root IS NULL ORDER BY number"

# Whoever is second found the same: the rows below it never change.
_COMPLETE: Final = """
UPDATE publications SET root = $2, evidence_root = $3 WHERE number = $1 AND root IS NULL"""

_CLOSED: Final = """
SELECT EXISTS (SELECT FROM closes WHERE close_at >= $2),
       EXISTS (SELECT FROM checkpoints WHERE group_name = $1 AND last_mark IS NOT NULL)"""


def id_for(number: int, window: str) -> str:
    """A readable id; no two publications share a number (发布编号)."""
    return f"PUB-{window}-{number:06d}"


async def insert(
    tx: Any,
    *,
    window: str,
    as_of: date,
    first: date,
    last: date,
    known_at: datetime,
    policy_version: str,
    calendar_version: str,
    score_terms: Mapping[str, Term],
    issued_by: str,
) -> Publication:
    """Issue a publication with the names of now, while folds are held off (固化)."""
    number = await count_issued(tx) + 1
    issued = Publication(
        number=number,
        publication_id=id_for(number, window),
        window=window,
        as_of=as_of,
        first=first,
        last=last,
        known_at=known_at,
        policy_version=policy_version,
        calendar_version=calendar_version,
        score_terms=dict(score_terms),
        issued_by=issued_by,
    )
    row = msgspec.structs.asdict(issued) | {"score_terms": msgspec.json.encode(issued.score_terms)}
    await tx.execute(_INSERT, *row.values())
    await tx.execute(_NAMES, number)
    return issued


async def find(connection: Any, publication_id: str) -> Publication | None:
    """The publication of this id."""
    row = await connection.fetchrow(_FIND, publication_id)
    return None if row is None else _publication(row)


async def publications_after(connection: Any, after: str, limit: int) -> list[Publication]:
    """A page of publications, by id."""
    return [_publication(row) for row in await connection.fetch(_LIST, after, limit)]


async def being_prepared(connection: Any) -> list[Publication]:
    """Those without roots, the oldest first: whoever worked them out may have died of it."""
    return [_publication(row) for row in await connection.fetch(_PREPARING)]


async def complete(connection: Any, number: int, root: str, evidence_root: str) -> None:
    """Both roots at once, never one of them (根哈希)."""
    await connection.execute(_COMPLETE, number, root, evidence_root)


async def has_closed(tx: Any, group: str, at: datetime) -> tuple[bool, bool]:
    """Whether the close of this instant or a later one has run, and whether any mark was ever met."""
    closed, marked = await tx.fetchrow(_CLOSED, group, at)
    return closed, marked


def _publication(row: Any) -> Publication:
    values = dict(zip(Publication.__struct_fields__, row, strict=True))
    return Publication(**values | {"score_terms": _decode_terms(values["score_terms"])})

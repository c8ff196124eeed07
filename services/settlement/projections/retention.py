"""Retained surplus as stored (结余留用查询): its inputs in the streams, its results in rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from services.settlement.projections.visibility import visible
from shared.events.settlement import RETENTION_INPUTS_SET, RetentionCalculated
from shared.runtime.actors import Actor

Key = tuple[str, str, int]
"""Hospital, batch, year: what a surplus is of."""

_decode = msgspec.json.Decoder(RetentionCalculated).decode

# A surplus is calculated once, so a clash here is a fault that must show itself.
_INSERT: Final = """
INSERT INTO retentions (batch_id, year, hospital_id, calculated_at, retained_fen, fact)
SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::timestamptz[], $5::numeric[],
                     $6::bytea[])"""

_LIST: Final = """
SELECT fact FROM retentions WHERE (hospital_id, batch_id, year) > ($1, $2, $3) AND {where}
ORDER BY hospital_id, batch_id, year LIMIT $4"""

# The year and the hospital have a fixed length, so no batch's id can be mistaken for another's.
_HOSPITALS: Final = """
SELECT right(stream, 12) FROM streams
WHERE starts_with(stream, $1) AND length(stream) = length($1) + 12 - length($2) AND stream > $3
ORDER BY stream LIMIT $4"""

_WORDS: Final = """
SELECT payload FROM events WHERE stream = $1 AND type = $2 ORDER BY version DESC LIMIT 1"""


class RetentionFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which results a list asks for (筛选条件)."""

    hospital_id: str | None = None
    batch_id: str | None = None
    year: int | None = None


async def insert_retentions(tx: Any, facts: Sequence[RetentionCalculated]) -> None:
    """Write the rows of new results, sorted by key (测算结果入表)."""
    if facts:
        rows = sorted(
            (
                fact.batch_id,
                fact.year,
                fact.hospital_id,
                fact.calculated_at,
                fact.retained_fen,
                msgspec.json.encode(fact),
            )
            for fact in facts
        )
        await tx.execute(_INSERT, *map(list, zip(*rows, strict=True)))


async def list_retentions(
    connection: Any, actor: Actor, wanted: RetentionFilter, *, after: Key, limit: int
) -> list[RetentionCalculated]:
    """Results this caller may see, by hospital, batch and year."""
    values: list[Any] = [*after, limit]
    where = visible(actor, values)
    for column in ("hospital_id", "batch_id", "year"):
        value = getattr(wanted, column)
        if value is not None:
            values.append(value)
            where.append(f"{column} = ${len(values)}")
    rows = await connection.fetch(_LIST.format(where=" AND ".join(where or ["true"])), *values)
    return [_decode(row["fact"]) for row in rows]


async def find_states(connection: Any, streams: Sequence[str]) -> dict[str, bytes]:
    """The states of those streams that exist: inputs, and the result where there is one."""
    rows = await connection.fetch(
        "SELECT stream, state FROM streams WHERE stream = ANY($1)", list(streams)
    )
    return {row["stream"]: row["state"] for row in rows}


async def words_of_inputs(connection: Any, stream: str) -> dict[str, Any] | None:
    """What was said when the inputs were last set, as the log keeps it (参数原文)."""
    payload = await connection.fetchval(_WORDS, stream, RETENTION_INPUTS_SET)
    return None if payload is None else msgspec.json.decode(payload)["data"]


async def hospitals_with_inputs(
    connection: Any, year_of_batch: str, area: str, *, after: str, limit: int
) -> list[str]:
    """The hospitals whose inputs are set in a batch's year, those of one area, by id.

    `year_of_batch` is what the names of its streams begin with, `area` how its hospitals' ids do.
    """
    rows = await connection.fetch(
        _HOSPITALS, year_of_batch + area, area, year_of_batch + after, limit
    )
    return [row[0] for row in rows]

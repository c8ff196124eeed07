"""The registers as stored (基础信息登记): changed behind the exclusive gate, cached by every writer.

A change takes the log's gate exclusively, so it stands wholly before or wholly after every batch,
and `log_head.world` tells a writer whether its cache still holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import msgspec


@dataclass(frozen=True, slots=True)
class Entry:
    """One register entry to put."""

    kind: str
    id: str
    body: dict[str, Any]

    @property
    def encoded(self) -> bytes:
        return msgspec.json.encode(self.body, order="sorted")

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.encoded).digest()


async def stored(tx: Any, kind: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The bodies of these entries."""
    rows = await tx.fetch(
        "SELECT id, body FROM registers WHERE kind = $1 AND id = ANY($2)", kind, list(ids)
    )
    return {row["id"]: msgspec.json.decode(row["body"]) for row in rows}


async def changed_entries(
    tx: asyncpg.Connection, entries: Sequence[Entry]
) -> list[tuple[Entry, int]]:
    """Those entries that differ from what is stored, with their next version; the last one wins."""
    latest = {(entry.kind, entry.id): entry for entry in entries}
    rows = await tx.fetch(
        """SELECT r.kind, r.id, r.version, r.sha256 FROM registers r
           JOIN unnest($1::text[], $2::text[]) AS k(kind, id) USING (kind, id)""",
        [kind for kind, _ in latest],
        [id_ for _, id_ in latest],
    )
    known = {(row["kind"], row["id"]): (row["version"], row["sha256"]) for row in rows}
    changed = []
    for key, entry in latest.items():
        version, sha256 = known.get(key, (0, b""))
        if sha256 != entry.sha256:
            changed.append((entry, version + 1))
    return changed


async def store_entries(
    tx: asyncpg.Connection, changed: Sequence[tuple[Entry, int]], world: int
) -> None:
    """Write the entries as change number `world` and tell every cache."""
    await tx.execute(
        """INSERT INTO registers (kind, id, body, sha256, version, change,
                                  hospital_id, product_id, distributor_id, batch_id)
           SELECT kind, id, body, sha256, version, $6, h, p, d, b
           FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[], $5::int[],
                       $7::text[], $8::text[], $9::text[], $10::text[])
             AS u(kind, id, body, sha256, version, h, p, d, b)
           ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body, sha256 = excluded.sha256,
             version = excluded.version, change = excluded.change,
             hospital_id = excluded.hospital_id, product_id = excluded.product_id,
             distributor_id = excluded.distributor_id, batch_id = excluded.batch_id""",
        [entry.kind for entry, _ in changed],
        [entry.id for entry, _ in changed],
        [entry.encoded for entry, _ in changed],
        [entry.sha256 for entry, _ in changed],
        [version for _, version in changed],
        world,
        *(
            [entry.body.get(name) if entry.kind == "agreement" else None for entry, _ in changed]
            for name in ("hospital_id", "product_id", "distributor_id", "batch_id")
        ),
    )
    await tx.execute("UPDATE log_head SET world = $1", world)


CACHED: Final = ("organisation", "product", "batch", "listing")
"""The registers that every writer keeps in memory; agreements are too many."""


async def changed_since(tx: asyncpg.Connection, seen: int) -> list[Entry]:
    """The cached entries that changed after change number `seen`, in order."""
    rows = await tx.fetch(
        "SELECT kind, id, body FROM registers WHERE change > $1 AND kind = ANY($2) ORDER BY change",
        seen,
        list(CACHED),
    )
    return [Entry(row["kind"], row["id"], msgspec.json.decode(row["body"])) for row in rows]


async def agreements_of(
    tx: asyncpg.Connection, keys: Sequence[tuple[str, str, str]]
) -> dict[tuple[str, str, str], dict[str, str]]:
    """The agreements of these (hospital, product, distributor): their ids by batch."""
    hospitals, products, distributors = zip(*keys, strict=True)
    rows = await tx.fetch(
        """SELECT r.hospital_id, r.product_id, r.distributor_id, r.batch_id, r.id
           FROM unnest($1::text[], $2::text[], $3::text[]) AS k(hospital_id, product_id, distributor_id)
           JOIN registers r USING (hospital_id, product_id, distributor_id)
           WHERE r.kind = 'agreement' ORDER BY r.id DESC""",
        hospitals,
        products,
        distributors,
    )
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in rows:
        key = (row["hospital_id"], row["product_id"], row["distributor_id"])
        found.setdefault(key, {})[row["batch_id"]] = row["id"]
    return found

"""Payment files as stored (支付文件查询), and the claim that puts a payment into one of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

# The key of the lines is the claim: whoever comes second for a payment gets nothing of it.
_CLAIM: Final = """
INSERT INTO payment_file_lines (payment_id, file_id)
SELECT p.payment_id, $1 FROM payments p
WHERE p.pool = $2 AND p.state = 'paying'
  AND NOT EXISTS (SELECT FROM payment_file_lines l WHERE l.payment_id = p.payment_id)
ORDER BY p.payment_id
ON CONFLICT DO NOTHING"""

_ROWS: Final = """
SELECT p.*, s.month FROM payment_file_lines l
JOIN payments p USING (payment_id) JOIN statements s USING (statement_id)
WHERE l.file_id = $1 ORDER BY p.payment_id"""

_INSERT: Final = """
INSERT INTO payment_files (file_id, pool, payments, total_fen, salt, sha256, issued_at, issued_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"""

_STATES: Final = """
SELECT l.file_id, p.state, count(*) AS payments, sum(p.from_prepaid_fen + p.from_fund_fen) AS fen
FROM payment_file_lines l JOIN payments p USING (payment_id)
WHERE l.file_id = ANY($1) GROUP BY l.file_id, p.state"""


class PaymentFile(NamedTuple):
    """A file as it was issued (支付文件)."""

    file_id: str
    pool: str
    payments: int
    total_fen: int
    salt: str
    sha256: str
    issued_at: datetime
    issued_by: str


async def claim_payments(tx: Any, file_id: str, pool: str) -> list[Any]:
    """Take what is under way in a pool and in no file yet; the rows of this file."""
    await tx.execute(_CLAIM, file_id, pool)
    return await rows_of(tx, file_id)


async def rows_of(connection: Any, file_id: str) -> list[Any]:
    """The payments of a file in its order, each with its statement's month."""
    rows: list[Any] = await connection.fetch(_ROWS, file_id)
    return rows


async def insert_file(tx: Any, file: PaymentFile) -> None:
    """A new file (入表)."""
    await tx.execute(_INSERT, *file)


async def find_file(connection: Any, area: str, file_id: str) -> PaymentFile | None:
    """One file, if it is of a pool in this area."""
    row = await connection.fetchrow(
        "SELECT * FROM payment_files WHERE file_id = $1 AND starts_with(pool, $2)", file_id, area
    )
    return None if row is None else PaymentFile(*row)


async def list_files(connection: Any, area: str, *, after: str, limit: int) -> list[PaymentFile]:
    """The files of the pools in this area, by id."""
    rows = await connection.fetch(
        """SELECT * FROM payment_files WHERE file_id > $1 AND starts_with(pool, $2)
           ORDER BY file_id LIMIT $3""",
        after,
        area,
        limit,
    )
    return [PaymentFile(*row) for row in rows]


async def states_of(connection: Any, ids: Sequence[str]) -> dict[str, dict[str, tuple[int, int]]]:
    """How many payments of each file are under way, paid and failed, and of how much."""
    found: dict[str, dict[str, tuple[int, int]]] = {id_: {} for id_ in ids}
    for row in await connection.fetch(_STATES, list(ids)):
        found[row["file_id"]][row["state"]] = (row["payments"], int(row["fen"]))
    return found


async def payments_of(connection: Any, file_id: str) -> dict[str, str]:
    """The payments of a file, each with its statement."""
    rows = await connection.fetch(
        """SELECT payment_id, p.statement_id FROM payment_file_lines l
           JOIN payments p USING (payment_id) WHERE l.file_id = $1""",
        file_id,
    )
    return {row["payment_id"]: row["statement_id"] for row in rows}

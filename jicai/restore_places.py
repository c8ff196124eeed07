"""Places in another cluster (恢复后的位置): ids that have passed, a new epoch, our own cursors in it."""

from __future__ import annotations

from typing import Any, Final

from jicai.backup import LOGS
from jicai.backup_manifest import Manifest

XIDS_AT_ONCE: Final = 50_000

# Seconds since 2026, or one more than any epoch that is known here: two restores of one backup begin
# different lives, and a cursor of the one must not be taken for a place in the other.
_RAISE: Final = """
UPDATE {log}.log_head SET epoch = greatest($1::int, $2::int,
    extract(epoch FROM clock_timestamp() - timestamptz '2026-01-01Z')::int) + 1 RETURNING epoch"""

_MOVE: Final = """
UPDATE {schema}.checkpoints SET
    cursor = CASE WHEN cursor LIKE $2 || ':%:%' THEN $3 || substr(cursor, length($2) + 1) ELSE cursor END,
    place = CASE WHEN place LIKE $2 || ':%:%' THEN $3 || substr(place, length($2) + 1) ELSE place END
WHERE substring(partition FROM '[^:]+$') = $1"""

# Each takes an id and ends; nothing is written.
SPEND: Final = """
DO $$ BEGIN FOR i IN 1..{count} LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"""


async def pass_xid(connection: Any, xid: int) -> None:
    """Let the cluster's counter pass the ids of the backup: younger ones would never be readable."""
    while (
        left := xid
        - await connection.fetchval("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
    ) >= 0:
        await connection.execute(SPEND.format(count=min(left + 1, XIDS_AT_ONCE)))


async def known_epochs(connection: Any) -> dict[str, int]:
    """Those of the logs that are replaced."""
    found = {}
    for log in LOGS:
        if await connection.fetchval("SELECT to_regclass($1)", f"{log}.log_head") is not None:
            found[log] = await connection.fetchval(f"SELECT epoch FROM {log}.log_head")
    return found


async def raise_epochs(connection: Any, manifest: Manifest, known: dict[str, int]) -> None:
    """A new epoch for each log, and our own checkpoints at the equal place in it."""
    for log, saved in manifest.logs.items():
        epoch = await connection.fetchval(_RAISE.format(log=log), saved.epoch, known.get(log, 0))
        for schema in LOGS:
            await connection.execute(_MOVE.format(schema=schema), log, str(saved.epoch), str(epoch))

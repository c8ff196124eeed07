"""`jicai backup`: the whole installation at one instant, in one file (备份).

One REPEATABLE READ READ ONLY transaction reads everything. It has no transaction id, so no reader
of a log waits for it; what waits is only the removal of dead rows, as for any long query.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import metadata
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec

from jicai.backup_manifest import FORMAT, NAME, Manifest, SavedLog, SavedTable, Unusable
from jicai.backup_tables import SCHEMAS, Table, falls_of, saved_places, saved_xid, tables_of
from jicai.running import reached_database
from shared.runtime.settings import Settings
from shared.store.horizon import epoch_of

LOGS: Final = SCHEMAS[:-1]
LEVEL: Final = 1
"""Of compression: the database should not have to wait for it."""

Progress = Callable[[str, int, int, int], None]
"""Called with what is worked on, how far, of how many tables, and how many rows so far."""


def run_backup(settings: Settings, file: Path, progress: Progress) -> Manifest:
    """Write a backup to this file; the file is there when it is whole, and never before."""
    if file.exists():
        raise Unusable(f"{file} 已存在, 不覆盖 / is there already, and is not overwritten")
    with reached_database(settings) as (dsn, _):
        return asyncio.run(save(dsn, file, progress))


async def save(dsn: str, file: Path, progress: Progress) -> Manifest:
    """The same for a database."""
    connection = await asyncpg.connect(
        dsn,
        server_settings={"application_name": "backup", "timezone": "UTC", "datestyle": "ISO"},
    )
    try:
        with _whole_or_absent(file) as archive:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                return await _save(connection, archive, file.parent, progress)
    finally:
        await connection.close()


async def _save(
    connection: Any, archive: tarfile.TarFile, place: Path, progress: Progress
) -> Manifest:
    if await connection.fetchval("SELECT to_regclass('access.keys') IS NULL"):
        raise Unusable("这里没有可备份的系统 / there is no installation here: run `jicai migrate`")
    tables = await tables_of(connection)
    falls = {log: await falls_of(connection, log) for log in LOGS}
    places = await saved_places(connection, falls)
    saved = []
    for number, table in enumerate(tables):
        name = f"{table.schema}.{table.name}"

        def tell(rows: int, number: int = number, name: str = name) -> None:
            progress(name, number, len(tables), rows)

        tell(0)
        saved.append(await _save_table(connection, archive, place, table, places, tell))
    manifest = await _manifest(connection, saved, falls)
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    archive.addfile(_member(NAME, len(text)), BytesIO(text))
    return manifest


async def _save_table(
    connection: Any,
    archive: tarfile.TarFile,
    place: Path,
    table: Table,
    places: Mapping[tuple[str, str], str],
    tell: Callable[[int], None],
) -> SavedTable:
    with tempfile.TemporaryFile(dir=place) as spool:
        with gzip.GzipFile(fileobj=spool, mode="wb", compresslevel=LEVEL, mtime=0) as packed:
            told = Counted(packed, tell)
            arguments: list[list[str]] = []
            if table.name == "checkpoints":
                arguments = [*map(list, zip(*places, strict=True))] or [[], []]
                arguments.append(list(places.values()))
            await connection.copy_from_query(table.saved(), *arguments, output=told, timeout=None)
        size = spool.tell()
        spool.seek(0)
        one = SavedTable(
            table.schema, table.name, list(table.columns), list(table.order), told.rows, told.sha256
        )
        archive.addfile(_member(one.member, size), spool)
    return one


class Counted:
    """Where a table's text goes: counted and hashed on its way. A line is a row, for COPY escapes."""

    def __init__(self, file: Any = None, tell: Callable[[int], None] = lambda rows: None) -> None:
        self._file = file
        self._tell = tell
        self._hash = hashlib.sha256()
        self.rows = 0

    async def __call__(self, data: bytes) -> None:
        """Take the next piece."""
        self._hash.update(data)
        self.rows += data.count(b"\n")
        if self._file is not None:
            self._file.write(data)
        self._tell(self.rows)

    @property
    def sha256(self) -> str:
        """Of all pieces so far."""
        return self._hash.hexdigest()


async def _manifest(
    connection: Any, tables: Sequence[SavedTable], falls: Mapping[str, Sequence[int]]
) -> Manifest:
    """Sequences last: they do not stand still for a snapshot, and may only be ahead of it."""
    migrations = {
        schema: dict(await connection.fetch(f"SELECT name, sha256 FROM {schema}.schema_migrations"))
        for schema in SCHEMAS
    }
    sequences = await connection.fetch(
        """SELECT schemaname || '.' || sequencename AS name, last_value FROM pg_sequences
           WHERE schemaname = ANY($1) AND last_value IS NOT NULL ORDER BY 1""",
        list(SCHEMAS),
    )
    entries_max = await connection.fetchval("SELECT count(DISTINCT xid) FROM settlement.entries")
    return Manifest(
        format=FORMAT,
        version=metadata.version("jicai"),
        database=await connection.fetchval("SELECT current_database()::text"),
        postgres=await connection.fetchval("SHOW server_version"),
        taken_at=await connection.fetchval("SELECT now()"),
        migrations=migrations,
        logs={log: await _log(connection, log, falls[log]) for log in falls},
        sequences={row["name"]: row["last_value"] for row in sequences},
        xid_max=max(1 + max(map(len, falls.values())), entries_max + 1),
        tables=list(tables),
    )


async def _log(connection: Any, log: str, falls: Sequence[int]) -> SavedLog:
    epoch = await epoch_of(connection, f"{log}.")
    last = await connection.fetchrow(
        f"""SELECT xid::text::bigint AS xid, position FROM {log}.events e
            ORDER BY e.xid DESC, e.position DESC LIMIT 1"""
    )
    if last is None:
        return SavedLog(epoch, "")
    return SavedLog(epoch, f"{epoch}:{saved_xid(falls, last['xid'])}:{last['position']}")


def _member(name: str, size: int) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.size, found.mode = size, 0o600
    return found


@contextmanager
def _whole_or_absent(file: Path) -> Iterator[tarfile.TarFile]:
    """For its owner's eyes alone: there are account numbers in it, and secrets that are not sealed."""
    fresh = file.with_name(f"{file.name}.part")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "wb") as raw:
            with tarfile.open(fileobj=raw, mode="w:") as archive:
                yield archive
            raw.flush()
            os.fsync(raw.fileno())
        fresh.rename(file)
    except BaseException:
        with suppress(FileNotFoundError):
            fresh.unlink()
        raise

"""`jicai restore`: a backup into an empty database, whole or not at all (恢复).

Everything happens in one transaction: schemas as they were when the backup was taken, the rows, the
proofs, then a new epoch for every log. Cursors of before answer 410 `cursor_epoch` from then on; our
own are rewritten with it, so that nothing is folded twice or left out.
"""

from __future__ import annotations

import asyncio
import gzip
import tarfile
from collections.abc import AsyncIterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec

from jicai.backup import Counted, Progress
from jicai.backup_manifest import FORMAT, NAME, Manifest, SavedTable, Unusable
from jicai.backup_tables import SCHEMAS, Table
from jicai.restore_checks import check_ledger, check_program, check_target, packages
from jicai.restore_places import known_epochs, pass_xid, raise_epochs
from jicai.running import database
from shared.runtime.settings import Settings
from shared.store.database import check_server
from shared.store.embedded import DataDirectoryInUse
from shared.store.migrations import migrate

CHUNK: Final = 1 << 20


def read_manifest(archive: tarfile.TarFile) -> Manifest:
    """What a backup says of itself; Unusable where it is cut off or of another form."""
    try:
        file = archive.extractfile(NAME)
        assert file is not None
        manifest = msgspec.json.decode(file.read(), type=Manifest)
    except (KeyError, tarfile.TarError, msgspec.DecodeError):
        raise Unusable("备份不完整 / the backup has no end: it was cut off") from None
    if manifest.format != FORMAT:
        raise Unusable(
            f"备份格式 {manifest.format} 不支持 / unknown form, this program reads {FORMAT}"
        )
    return manifest


def run_check(file: Path, progress: Progress) -> Manifest:
    """Read a backup from end to end and compare every table with what the backup says of it."""
    return asyncio.run(_check(file, progress))


async def _check(file: Path, progress: Progress) -> Manifest:
    with opened(file) as archive:
        manifest = read_manifest(archive)
        for number, table in enumerate(manifest.tables):
            counted = Counted(None, _telling(progress, manifest, number))
            await _drain(archive, table, counted)
            compare(table, counted)
    return manifest


def run_restore(
    settings: Settings, file: Path, replace: str | None, progress: Progress
) -> Manifest:
    """Restore into the database of these settings; `replace` names it where it is not empty."""
    try:
        with database(settings) as (dsn, _):
            return asyncio.run(load(dsn, file, replace, progress))
    except DataDirectoryInUse as error:
        raise Unusable(f"请先停止服务 / services are running, stop them first: {error}") from None


async def load(dsn: str, file: Path, replace: str | None, progress: Progress) -> Manifest:
    """The same into a database."""
    with opened(file) as archive:
        manifest = read_manifest(archive)
        check_program(manifest)
        await _restore(dsn, archive, manifest, replace, progress)
    return manifest


def opened(file: Path) -> tarfile.TarFile:
    """The archive behind a file."""
    try:
        return tarfile.open(file, mode="r:")
    except (OSError, tarfile.TarError) as error:
        raise Unusable(f"{file} 不可读 / is no backup: {error}") from None


async def _restore(
    dsn: str, archive: tarfile.TarFile, manifest: Manifest, replace: str | None, progress: Progress
) -> None:
    connection = await asyncpg.connect(
        dsn,
        server_settings={"application_name": "restore", "timezone": "UTC", "datestyle": "ISO"},
    )
    try:
        if wrong := await check_server(connection):
            raise Unusable("; ".join(wrong))
        await check_target(connection, replace)
        await pass_xid(connection, manifest.xid_max)
        async with connection.transaction():
            epochs = await known_epochs(connection)
            for schema in SCHEMAS:
                await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
            await _load(connection, archive, manifest, progress)
            await _set_sequences(connection, manifest)
            await check_ledger(connection)
            for schema, package in packages().items():
                await migrate(connection, schema, package)
            await raise_epochs(connection, manifest, epochs)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


async def _load(
    connection: Any, archive: tarfile.TarFile, manifest: Manifest, progress: Progress
) -> None:
    numbers = {table.member: number for number, table in enumerate(manifest.tables)}
    for schema, group in groupby(manifest.tables, key=lambda table: table.schema):
        tables = list(group)
        package = packages()[schema]
        await migrate(connection, schema, package, only=manifest.migrations[schema])
        # Migrations write first rows, and triggers ask of a row what only its own transaction knew.
        await _for_each(connection, tables, "DISABLE TRIGGER USER")
        names = ", ".join(f"{table.schema}.{table.name}" for table in tables)
        await connection.execute(f"TRUNCATE {names}")
        for table in tables:
            tell = _telling(progress, manifest, numbers[table.member])
            await _load_table(connection, archive, table, Counted(None, tell))
        await _for_each(connection, tables, "ENABLE TRIGGER USER")


async def _load_table(
    connection: Any, archive: tarfile.TarFile, table: SavedTable, counted: Counted
) -> None:
    """Copy one in, then out again: what stands there now is what was saved."""
    if table.rows == 0:  # it has just been emptied
        await _drain(archive, table, counted)
        compare(table, counted)
        return
    await connection.copy_to_table(
        table.name,
        schema_name=table.schema,
        columns=table.columns,
        source=_pieces(archive, table, counted),
    )
    compare(table, counted)
    stored = Table(table.schema, table.name, tuple(table.columns), tuple(table.order))
    again = Counted()
    await connection.copy_from_query(stored.select(), output=again)
    compare(table, again)


async def _pieces(
    archive: tarfile.TarFile, table: SavedTable, counted: Counted
) -> AsyncIterator[bytes]:
    try:
        packed = archive.extractfile(table.member)
        assert packed is not None
        with gzip.GzipFile(fileobj=packed) as file:
            while piece := file.read(CHUNK):
                await counted(piece)
                yield piece
    except (KeyError, EOFError, OSError) as error:
        raise Unusable(f"{table.member} 已损坏 / is damaged: {error}") from None


async def _drain(archive: tarfile.TarFile, table: SavedTable, counted: Counted) -> None:
    async for _ in _pieces(archive, table, counted):
        pass


def compare(table: SavedTable, counted: Counted) -> None:
    """Rows and hash are what the backup says; Unusable names the table where they are not."""
    if (counted.rows, counted.sha256) != (table.rows, table.sha256):
        raise Unusable(
            f"{table.schema}.{table.name} 与清单不符 / is not what was saved:"
            f" {counted.rows} rows for {table.rows}, {counted.sha256[:12]} for {table.sha256[:12]}"
        )


async def _for_each(connection: Any, tables: Sequence[SavedTable], what: str) -> None:
    await connection.execute("; ".join(f"ALTER TABLE {t.schema}.{t.name} {what}" for t in tables))


async def _set_sequences(connection: Any, manifest: Manifest) -> None:
    for name, value in manifest.sequences.items():
        await connection.execute("SELECT setval($1::text::regclass, $2)", name, value)


def _telling(progress: Progress, manifest: Manifest, number: int) -> Any:
    table = manifest.tables[number]

    def tell(rows: int) -> None:
        progress(f"{table.schema}.{table.name}", number, len(manifest.tables), rows)

    return tell

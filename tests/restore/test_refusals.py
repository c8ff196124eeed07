"""What no restore is made from, and what none is made over: said in one sentence, and nothing done."""

from __future__ import annotations

import asyncio
import gzip
import io
import tarfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from jicai.backup_manifest import NAME, Manifest, Unusable
from jicai.cli import app
from jicai.restore import run_check
from jicai.rooms import chosen
from shared.runtime.access import migrate_access
from shared.store.access.keys import add_key
from shared.store.access.sealing import Sealing
from shared.store.database import open_pool
from shared.store.migrations import migrate, migrations_of, schema_state
from shared.testing.postgres import fresh_database, prepare
from tests.restore.rooms import asked, restored, saved, silent

MEMBERS = dict[str, bytes]


@pytest_asyncio.fixture(scope="module")
async def source(postgres: str) -> AsyncIterator[str]:
    """An installation with a key whose secret is sealed."""
    async with fresh_database(postgres) as dsn:
        await prepare(dsn, *chosen("all"))
        await migrate_access(dsn)
        async with asked(dsn) as connection:
            await add_key(connection, "hospital:H36010200001", "sm3", Sealing("a secret of ours"))
        yield dsn


@pytest_asyncio.fixture(scope="module")
async def file(source: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return await saved(source, tmp_path_factory.mktemp("refusals") / "backup.tar")


def changed(file: Path, to: Path, change: Callable[[MEMBERS], None]) -> Path:
    """The same archive with something done to its members."""
    with tarfile.open(file) as archive:
        members = {m.name: archive.extractfile(m).read() for m in archive.getmembers()}
    change(members)
    with tarfile.open(to, "w") as archive:
        for name, text in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))
    return to


def lose_the_end(members: MEMBERS) -> None:
    del members[NAME]


def lose_a_table(members: MEMBERS) -> None:
    del members["access/keys.copy.gz"]


def damage(members: MEMBERS) -> None:
    members["access/keys.copy.gz"] = members["access/keys.copy.gz"][:-9]


def slip_in_a_row(members: MEMBERS) -> None:
    rows = gzip.decompress(members["access/keys.copy.gz"])
    members["access/keys.copy.gz"] = gzip.compress(rows.replace(b"jk", b"kj", 1) + rows)


def change_a_row(members: MEMBERS) -> None:
    rows = gzip.decompress(members["access/keys.copy.gz"])
    members["access/keys.copy.gz"] = gzip.compress(
        rows.replace(b"hospital:H3601", b"hospital:H3602")
    )


def come_from_the_future(members: MEMBERS) -> None:
    manifest = msgspec.json.decode(members[NAME], type=Manifest)
    manifest.migrations["alerts"]["services.alerts/9999_later.sql"] = "0" * 64
    members[NAME] = msgspec.json.encode(manifest)


def have_another_form(members: MEMBERS) -> None:
    manifest = msgspec.json.decode(members[NAME], type=Manifest)
    members[NAME] = msgspec.json.encode(msgspec.structs.replace(manifest, format=2))


FAULTS = [
    (lose_the_end, "cut off"),
    (lose_a_table, r"access/keys\.copy\.gz .* is damaged"),
    (damage, r"access/keys\.copy\.gz .* is damaged"),
    (slip_in_a_row, r"access\.keys .* is not what was saved: 2 rows for 1"),
    (change_a_row, r"access\.keys .* is not what was saved: 1 rows for 1"),
    (have_another_form, "unknown form"),
]


@pytest.mark.parametrize(("change", "said"), FAULTS, ids=lambda one: getattr(one, "__name__", ""))
def test_a_check_names_what_is_wrong_with_a_file(
    file: Path, tmp_path: Path, change: Callable[[MEMBERS], None], said: str
) -> None:
    bad = changed(file, tmp_path / "bad.tar", change)
    with pytest.raises(Unusable, match=said):
        run_check(bad, silent)


@pytest.mark.parametrize("change", [change_a_row, come_from_the_future])
async def test_a_restore_that_fails_leaves_nothing(
    target: str, file: Path, tmp_path: Path, change: Callable[[MEMBERS], None]
) -> None:
    """The last table of all is the one that is wrong; the others had been loaded."""
    bad = await asyncio.to_thread(changed, file, tmp_path / "bad.tar", change)
    with pytest.raises(Unusable, match=r"is not what was saved|ahead of this program"):
        await restored(target, bad)
    async with asked(target) as connection:
        schemas = "SELECT count(*) FROM pg_namespace WHERE nspname IN ('orders', 'access')"
        assert await connection.fetchval(schemas) == 0


async def test_what_is_there_is_only_replaced_by_its_name_and_while_nobody_works(
    target: str, file: Path
) -> None:
    await restored(target, file)
    with pytest.raises(Unusable, match="is not empty"):
        await restored(target, file)
    with pytest.raises(Unusable, match="the database here is test_"):
        await restored(target, file, "jicai")
    async with asked(target) as connection:
        name = await connection.fetchval("SELECT current_database()")
        pool = await open_pool(target, "orders", size=1)
        await pool.fetchval("SELECT 1")
        with pytest.raises(Unusable, match="services are running, stop them first: jicai-orders"):
            await restored(target, file, name)
        await pool.close()
        await restored(target, file, name)
        [key] = await connection.fetch("SELECT * FROM access.keys")
    assert key["sealed"]
    assert Sealing("a secret of ours").open(key["key"], key["secret"], sealed=True)


async def test_a_backup_of_an_older_program_is_brought_up_to_date(
    postgres: str, target: str, tmp_path: Path
) -> None:
    """Feedback's last file is not applied where it was saved; behind the restore it is."""
    files = [m.name for m in migrations_of("services.feedback")]
    async with fresh_database(postgres) as old:
        await prepare(old, *[service for service in chosen("all") if service.name != "feedback"])
        await migrate_access(old)
        async with asked(old) as connection:
            await migrate(connection, "feedback", "services.feedback", only=files[:-1])
            assert await connection.fetchval("SELECT to_regclass('feedback.arrivals')") is None
        await restored(target, await saved(old, tmp_path / "old.tar"))
    async with asked(target) as connection:
        assert str(await schema_state(connection, "feedback", "services.feedback")) == "current"
        assert await connection.fetchval("SELECT count(*) FROM feedback.arrivals") == 0


def test_a_file_is_never_written_over_and_is_its_owners_alone(
    source: str, file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JICAI_DATABASE_URL", source)
    said = CliRunner().invoke(app, ["backup", str(file)])
    assert (said.exit_code, "is not overwritten" in said.stderr) == (3, True)
    made = CliRunner().invoke(app, ["backup", str(tmp_path / "new.tar")])
    assert made.exit_code == 0, made.output
    assert "saved" in made.stdout
    assert (tmp_path / "new.tar").stat().st_mode & 0o777 == 0o600
    whole = CliRunner().invoke(app, ["restore", "--check", str(tmp_path / "new.tar")])
    assert (whole.exit_code, "the backup is whole" in whole.stdout) == (0, True)
    full = CliRunner().invoke(app, ["restore", str(file)])
    assert (full.exit_code, "is not empty" in full.stderr) == (3, True)
    other = CliRunner().invoke(app, ["restore", "--replace", str(file)], input="postgres\n")
    assert (other.exit_code, "the database here is" in other.stderr) == (3, True)

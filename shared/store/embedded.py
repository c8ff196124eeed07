"""A PostgreSQL of our own: started from the wheel, private, gone when we are gone.

The wheel's own launcher adds a system user, opens parent directories and trusts every
local user, so only its programs are used. A data directory holds ``cluster/`` (the
database), ``socket/``, ``password`` (0600), ``postgres.log`` and ``lock``; where one of the
first two cannot be there, a ``*.path`` file says where it is (see ``embedded_files``).

Started by root, the server runs as ``nobody``, or as the owner of an existing cluster.
``nobody`` is a shared account: another service that runs as it could read the cluster.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Self
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from shared.store import embedded_files as files
from shared.store import embedded_processes as processes
from shared.store import embedded_programs as programs_of
from shared.store.embedded_processes import PostgresDidNotStart

__all__ = ["DataDirectoryInUse", "EmbeddedPostgres", "PostgresDidNotStart", "dsn", "running_dsn"]

SUPERUSER = "jicai"
LOG_BYTES = 10_000_000  # one older log is kept
START_SECONDS = 180.0  # a crash recovery reads up to max_wal_size
PARENT_DEATH_SIGNAL = int(signal.SIGINT)  # 0: a killed launcher leaves its server running
SETTINGS = {
    "max_connections": "100",
    "shared_buffers": "256MB",
    "max_locks_per_transaction": "256",
    "max_prepared_transactions": "0",
    "max_wal_size": "1GB",
    "wal_level": "replica",
    "jit": "off",
    "idle_in_transaction_session_timeout": "60s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "listen_addresses": "",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class DataDirectoryInUse(RuntimeError):
    """Another live process runs a server over the same data directory."""


def dsn(superuser_dsn: str, *, user: str, password: str, database: str) -> str:
    """The same server for another user and database."""
    parts = urlsplit(superuser_dsn)
    server = parts.netloc.rpartition("@")[2]
    login = f"{quote(user, safe='')}:{quote(password, safe='')}@{server}"
    kept = [(k, v) for k, v in parse_qsl(parts.query) if k not in {"user", "password", "database"}]
    path = "/" + quote(database, safe="")
    return urlunsplit((parts.scheme, login, path, urlencode(kept, safe="/"), ""))


def running_dsn(data: Path) -> str:
    """The superuser's DSN of the server that another process runs over this data directory."""
    data = data.resolve()
    home, pointer = data, data / "cluster.path"
    if pointer.exists():
        home = Path(pointer.read_text("utf-8"))
    short = data / "socket.path"
    socket = Path(short.read_text("utf-8")) if short.exists() else home / "socket"
    return _superuser_dsn((data / "password").read_text("ascii"), socket)


def _superuser_dsn(password: str, socket: Path) -> str:
    return (
        f"postgresql://{SUPERUSER}:{quote(password)}@/postgres?host={quote(str(socket))}&port=5432"
    )


class EmbeddedPostgres:
    """One server over one data directory, reached by a Unix socket and a password.

    Safe to start from any thread; blocking, so call it before the event loop or through
    ``asyncio.to_thread``. A process that forks without exec (``multiprocessing`` "fork")
    shares the lock on the data directory with its children.
    """

    def __init__(
        self, data: Path, *, durable: bool = True, settings: Mapping[str, str] = {}
    ) -> None:
        self.data = data.resolve()
        self.log = self.data / "postgres.log"
        self._durable = durable
        self._settings = {**SETTINGS, **({} if durable else NOT_DURABLE), **settings}
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: Path | None = None
        self._dsn = ""

    @property
    def pid(self) -> int | None:
        """The postmaster, or None when it does not run."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if self._process and running else None

    def start(self) -> str:
        """Start the server unless it runs, and return the superuser's DSN for asyncpg."""
        if self.pid is not None:
            return self._dsn
        try:
            self._take_lock()
            home, account = files.find_home(self.data)
            programs = programs_of.binaries(account)
            password = self._initialise(programs, home, account)
            self._socket = files.find_socket_directory(self.data, home, account)
            processes.clear_out(home / "cluster", self._socket)
            self._launch(programs, home / "cluster", self._socket, account)
        except PermissionError as error:
            self.stop()
            raise PostgresDidNotStart(
                f"{error} (does {self.data} belong to another user?)"
            ) from error
        except BaseException:
            self.stop()
            raise
        self._dsn = _superuser_dsn(password, self._socket)
        return self._dsn

    def stop(self) -> None:
        """Shut down fast (open transactions roll back), wait, and let go of the directory."""
        if self._process is not None:
            for number, seconds in (
                (signal.SIGINT, 60),
                (signal.SIGQUIT, 10),
                (signal.SIGKILL, 10),
            ):
                self._process.send_signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(seconds)
                    break
            self._process = None
        if self._socket is not None and self._socket.name != "socket":  # the one under /tmp
            shutil.rmtree(self._socket, ignore_errors=True)
            (self.data / "socket.path").unlink(missing_ok=True)
        self._socket = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def remove(self) -> None:
        """Stop and delete everything this class made, wherever it had to put it."""
        self.stop()
        if not self.data.exists():
            return
        try:
            self._take_lock()  # never under another process's feet
            home = files.find_home(self.data)[0]
            processes.clear_out(home / "cluster", home / "socket")
            files.delete(self.data)
        finally:
            self.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _take_lock(self) -> None:
        """Hold ``lock`` as long as we live; the server does not inherit it."""
        if not self.data.exists():
            self.data.parent.mkdir(parents=True, exist_ok=True)
            files.make_directory(self.data, 0o711 if os.geteuid() == 0 else 0o700)
        if self._lock is None:
            self._lock = os.fdopen(files.open_private(self.data / "lock", os.O_RDWR), "r+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.seek(0)
            holder = self._lock.read().strip() or "unknown"
            raise DataDirectoryInUse(f"{self.data} is in use by process {holder}") from None
        self._lock.seek(0)
        self._lock.truncate()
        self._lock.write(f"{os.getpid()}\n")
        self._lock.flush()

    def _initialise(self, programs: Path, home: Path, account: processes.Account | None) -> str:
        """Make the cluster if there is none, and return the superuser's password.

        initdb works in a directory of another name, so a cluster is whole or absent.
        """
        cluster, kept = home / "cluster", self.data / "password"
        for leftover in home.glob("cluster-new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        if cluster.exists():
            if not kept.exists():
                raise PostgresDidNotStart(f"{kept} is gone: without it {cluster} cannot be opened")
            return kept.read_text("ascii")
        password = secrets.token_urlsafe(32)
        files.write_private(kept, password)
        fresh = home / f"cluster-new-{secrets.token_hex(8)}"
        files.make_directory(fresh, 0o700, account)
        secret = os.memfd_create("password")  # readable by the account, on no disk
        os.write(secret, password.encode())
        command: list[str | Path] = [programs / "initdb", "-D", fresh, "--username", SUPERUSER]
        command += ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        command += ["--lc-messages=C", "--auth=scram-sha-256", "--no-instructions"]
        command += [f"--pwfile=/proc/self/fd/{secret}", *([] if self._durable else ["--no-sync"])]
        try:
            made: subprocess.CompletedProcess[bytes] = subprocess.run(  # noqa: S603 - our own program
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(secret,),
                preexec_fn=processes.dies_with_us(signal.SIGKILL),
                **processes.popen_options(account),
            )
        finally:
            os.close(secret)
        if made.returncode != 0:
            said = made.stdout.decode("utf-8", "replace").strip()
            if "could not look up effective user ID" in said:  # docker run --user 1234
                said += " (give it a line in /etc/passwd, or run as root or as a user who has one)"
            raise PostgresDidNotStart(f"initdb failed: {said}")
        fresh.rename(cluster)
        files.sync_directory(home)
        return password

    def _launch(
        self, programs: Path, cluster: Path, socket: Path, account: processes.Account | None
    ) -> None:
        """Run the postmaster, and wait until it takes connections."""
        ours = {"unix_socket_directories": socket, "unix_socket_permissions": "0700", "port": 5432}
        command: list[str | Path] = [programs / "postgres", "-D", cluster]
        for name, value in {**self._settings, **ours}.items():
            command += ["-c", f"{name}={value}"]
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        options = processes.popen_options(account)
        options["preexec_fn"] = processes.dies_with_us(PARENT_DEATH_SIGNAL)
        with os.fdopen(files.open_private(self.log, os.O_WRONLY | os.O_APPEND), "ab") as log:
            if account is not None:
                os.fchown(log.fileno(), *account)
            begin = log.tell()
            self._process = processes.spawn_in_lasting_thread(
                command, stdout=log, stderr=log, **options
            )
        deadline = time.monotonic() + START_SECONDS
        while self.pid is not None and time.monotonic() < deadline:
            with contextlib.suppress(FileNotFoundError):
                lines = (cluster / "postmaster.pid").read_text("utf-8", "replace").splitlines()
                if lines[:1] == [str(self.pid)] and [line.strip() for line in lines[7:8]] == [
                    "ready"
                ]:
                    return
            time.sleep(0.01)
        said = self.log.read_bytes()[begin:].decode("utf-8", "replace").splitlines()
        raise PostgresDidNotStart("\n".join(["PostgreSQL did not start:", *said[-12:]]))

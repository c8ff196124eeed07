"""Processes of an embedded PostgreSQL: how they are started, and how leftovers are ended."""

import contextlib
import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple

ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}  # nothing of ours leaks, no PG*
SOCKET_NAME = ".s.PGSQL.5432"

_prctl: Any = ctypes.CDLL(None, use_errno=True).prctl


class PostgresDidNotStart(RuntimeError):
    """The embedded server could not be prepared or started; the text says why."""


class Account(NamedTuple):
    """The user a root launcher gives the server to."""

    uid: int
    gid: int


def popen_options(account: Account | None) -> dict[str, Any]:
    """How every child runs: as the account, deaf to the terminal, nothing inherited."""
    options: dict[str, Any] = {"env": ENVIRONMENT, "cwd": "/", "umask": 0o077}
    options |= {"stdin": subprocess.DEVNULL, "start_new_session": True}
    if account is not None:
        options |= {"user": account.uid, "group": account.gid, "extra_groups": []}
    return options


def works(command: Sequence[str | Path], account: Account | None) -> bool:
    """Ask the kernel rather than read mode bits: ACLs and noexec mounts count too."""
    try:
        return not subprocess.run(  # noqa: S603 - our own programs
            command, capture_output=True, timeout=60, **popen_options(account)
        ).returncode
    except OSError:
        return False


def dies_with_us(number: int) -> Callable[[], None]:
    """What a child does before exec, after its change of user (which clears the request)."""
    parent = os.getpid()

    def ask_kernel() -> None:
        _prctl(1, number, 0, 0, 0)  # PR_SET_PDEATHSIG
        if number and os.getppid() != parent:
            os._exit(1)  # we died in between

    return ask_kernel


def spawn_in_lasting_thread(command: list[str | Path], **options: Any) -> subprocess.Popen[bytes]:
    """Start a child from a thread that lives as long as the child.

    The kernel sends the parent-death signal when the *thread* that forked ends, so a
    server started from a pool's worker would stop with that worker.
    """
    started: Future[subprocess.Popen[bytes]] = Future()

    def keep() -> None:
        try:
            process = subprocess.Popen(command, **options)  # noqa: S603 - our own program
        except BaseException as error:
            started.set_exception(error)
            return
        started.set_result(process)
        process.wait()

    threading.Thread(target=keep, name="embedded-postgres", daemon=True).start()
    return started.result()


def clear_out(cluster: Path, socket: Path) -> None:
    """End the server a killed launcher left behind, and remove what it would trip over.

    We hold the lock, so such a server has no launcher. Its files may name a pid that now
    belongs to another program, which PostgreSQL would take for itself; they go once no
    server process is left.
    """
    note = cluster / "postmaster.pid"
    for number, seconds in ((signal.SIGINT, 10), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
        postmaster = note.read_bytes().split(b"\n")[0] if note.exists() else b""
        for pid in _servers(cluster):
            # To a lone checkpointer SIGINT means something else.
            if number != signal.SIGINT or str(pid).encode() == postmaster:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        deadline = time.monotonic() + seconds
        while (left := _servers(cluster)) and time.monotonic() < deadline:
            time.sleep(0.02)
        if not left:
            break
    else:
        raise PostgresDidNotStart(f"processes {left} of {cluster} do not end")
    for file in (note, socket / SOCKET_NAME, socket / f"{SOCKET_NAME}.lock"):
        file.unlink(missing_ok=True)


def _servers(cluster: Path) -> list[int]:
    """Live server processes of this cluster, those of a dead postmaster among them."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # gone meanwhile, or another user's
            if (entry / "comm").read_bytes() == b"postgres\n" and (entry / "cwd").samefile(cluster):
                found.append(int(entry.name))
    return found

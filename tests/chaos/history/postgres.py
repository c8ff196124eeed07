"""The PostgreSQL of the house under test: killed, put to sleep, out of disk; its data outlive it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from pathlib import Path

import asyncpg

from shared.store.embedded import EmbeddedPostgres, PostgresDidNotStart, dsn
from tests.chaos.killing import children

SETTINGS = {
    "shared_buffers": "128MB",
    "max_wal_size": "128MB",
    "min_wal_size": "32MB",
    "max_connections": "150",
    "log_min_messages": "error",
    "log_min_error_statement": "panic",
}
ROOM = "1g"
"""What the limited directory may hold while it is not full."""
LEFT_OVER = 192 * 1024
"""What a full disk still takes: less than one more segment, more than a page."""


class KillablePostgres:
    """One server over one directory, which is a file system of its own where that may be mounted."""

    def __init__(self, place: Path) -> None:
        self._place = place
        place.mkdir(mode=0o711)
        self.is_limited = _mounted(place)
        self._server = EmbeddedPostgres(place / "pg", settings=SETTINGS)
        self.superuser = ""
        self._wanted = True

    @property
    def dsn(self) -> str:
        """The database of the house."""
        return self.named("house")

    def named(self, database: str) -> str:
        """Another database of the server."""
        password = (self._place / "pg" / "password").read_text("ascii")
        return dsn(self.superuser, user="jicai", password=password, database=database)

    async def prepare(self) -> None:
        """Start for the first time and make the database."""
        self.superuser = await asyncio.to_thread(self._server.start)
        await self.order("CREATE DATABASE house")

    async def order(self, statement: str) -> None:
        """One statement of the superuser's, outside every database of the house."""
        connection = await asyncpg.connect(self.superuser)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def kill(self, *, whole: bool) -> None:
        """SIGKILL: the postmaster alone, or it and every process of it."""
        self._wanted = False
        pids = self._pids()
        for pid in pids if whole else pids[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> list[int]:
        """SIGSTOP of the postmaster and its children; who sleeps."""
        return _signalled(self._pids(), signal.SIGSTOP)

    def resume(self, sleepers: list[int]) -> None:
        """SIGCONT."""
        _signalled(sleepers, signal.SIGCONT)

    async def start(self) -> None:
        """Start again over the same data; nothing where it runs."""
        self._wanted = True
        await self.keep_up()

    async def keep_up(self) -> None:
        """Start it where it ended by itself, as an operator's supervisor would."""
        if not self._wanted or self._server.pid is not None:
            return
        with contextlib.suppress(PostgresDidNotStart):
            await asyncio.to_thread(self._server.start)

    def fill(self) -> None:
        """Leave next to nothing free."""
        found = os.statvfs(self._place)
        used = (found.f_blocks - found.f_bfree) * found.f_frsize
        _remount(self._place, str(used + LEFT_OVER))

    def free(self) -> None:
        """Room again."""
        _remount(self._place, ROOM)

    def log(self) -> str:
        """The end of what it said."""
        return self._server.log.read_text("utf-8", "replace")[-3000:]

    def remove(self) -> None:
        """End it and delete its data."""
        self._wanted = False
        with contextlib.suppress(Exception):
            _signalled(self._pids(), signal.SIGCONT)
        if self.is_limited:
            with contextlib.suppress(Exception):
                self.free()
        try:
            self._server.remove()
        finally:
            if self.is_limited:
                subprocess.run(["umount", "--lazy", str(self._place)], check=False)

    def _pids(self) -> list[int]:
        postmaster = self._server.pid
        return [] if postmaster is None else [postmaster, *children(postmaster)]


def _signalled(pids: list[int], number: signal.Signals) -> list[int]:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
    return pids


def _mounted(place: Path) -> bool:
    """Whether a small file system could be put there: root may, others may not."""
    if os.geteuid() != 0:
        return False
    words = ["mount", "-t", "tmpfs", "-o", f"size={ROOM},mode=0711", "tmpfs", str(place)]
    try:
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _remount(place: Path, size: str) -> None:
    words = ["mount", "-o", f"remount,size={size}", str(place)]
    subprocess.run(words, capture_output=True, check=True)

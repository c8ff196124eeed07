"""Where an embedded PostgreSQL keeps its cluster and its socket.

PostgreSQL refuses to run as root, so a root launcher hands the server to ``nobody``.
That account must reach the programs (``embedded_programs``) and two more places, which
this module finds or makes without touching the mode or the owner of any directory it did
not make itself:

* the cluster: inside the data directory, or, when that lies behind a closed door, in
  ``/var/lib/jicai/<token>`` with a pointer file ``cluster.path`` in the data directory;
* the socket: beside the cluster, or in a short private directory under ``/tmp`` when the
  path is too long (107 bytes is the kernel's limit) or has characters a DSN would trip on.
"""

import os
import pwd
import re
import secrets
import shutil
import stat
import tempfile
from pathlib import Path

from shared.store.embedded_processes import SOCKET_NAME, Account, PostgresDidNotStart, works

STATE_DIRECTORY = Path("/var/lib/jicai")
SHORT_DIRECTORY = Path("/tmp")  # noqa: S108 - only ever through mkdtemp
SOCKET_PATH_LIMIT = 107


def nobody() -> Account:
    """The account with the fewest rights that every Linux has (initdb wants it by name)."""
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise PostgresDidNotStart("started by root, PostgreSQL needs a user 'nobody'") from None
    return Account(entry.pw_uid, entry.pw_gid)


def make_directory(path: Path, mode: int, owner: Account | None = None) -> None:
    """Make one directory of ours with exactly this mode, whatever the umask.

    Through a descriptor: root may be at work in a directory another user can change.
    """
    path.mkdir(mode=0o700)
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if owner is not None:
            os.fchown(handle, *owner)
        os.fchmod(handle, mode)
    finally:
        os.close(handle)


def open_private(path: Path, flags: int) -> int:
    """Open a file of ours, 0600 when new, never through a symbolic link."""
    return os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def write_private(path: Path, text: str) -> None:
    """Replace a small file of ours, safely on disk when this returns."""
    path.unlink(missing_ok=True)
    with os.fdopen(open_private(path, os.O_WRONLY | os.O_EXCL), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def sync_directory(path: Path) -> None:
    """Make a rename in this directory outlast a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _enters(path: Path, account: Account) -> bool:
    return works(["/bin/sh", "-c", 'test -x "$1"', "sh", path], account)


def is_private(path: Path, uid: int, forbidden: int) -> bool:
    """A real directory of that user, without the forbidden permissions."""
    found = path.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == uid and not found.st_mode & forbidden


def find_home(data: Path) -> tuple[Path, Account | None]:
    """The directory of the cluster, and whom to run it as (None: as ourselves)."""
    pointer = data / "cluster.path"
    home = Path(pointer.read_text("utf-8")) if pointer.exists() else data
    if not home.is_dir():
        raise PostgresDidNotStart(
            f"{pointer} names {home}, which is gone: restore it, or start afresh"
        )
    if os.geteuid() != 0:
        return home, None
    account = nobody()
    if (home / "cluster").is_dir():  # perhaps made by an ordinary user: then it stays theirs
        account = Account((home / "cluster").stat().st_uid, (home / "cluster").stat().st_gid)
    if not works(["/bin/sh", "-c", ":"], account):
        raise PostgresDidNotStart(
            f"PostgreSQL does not run as root, and user {account.uid} cannot be taken on here:"
            " start as an ordinary user, or name a PostgreSQL of your own"
        )
    if _enters(home, account):
        return home, account
    if (home / "cluster").is_dir() or pointer.exists():
        raise PostgresDidNotStart(
            f"user {account.uid} cannot reach {home}: a parent directory is closed"
        )
    try:
        if not STATE_DIRECTORY.exists():
            make_directory(STATE_DIRECTORY, 0o755)
        home = STATE_DIRECTORY / secrets.token_hex(8)
        make_directory(home, 0o711)
    except OSError as error:
        raise PostgresDidNotStart(f"user {account.uid} cannot reach {data}, and {error}") from error
    if not _enters(home, account):
        home.rmdir()
        raise PostgresDidNotStart(f"user {account.uid} can reach neither {data} nor {home.parent}")
    (home / "belongs-to").write_bytes(os.fsencode(data) + b"\n")
    write_private(pointer, str(home))
    return home, account


def find_socket_directory(data: Path, home: Path, account: Account | None) -> Path:
    """A private directory for the socket, with a path the kernel and a DSN can carry."""
    near = home / "socket"
    if re.fullmatch(r"[\w./+-]+", str(near), re.ASCII) and (
        len(str(near / SOCKET_NAME)) <= SOCKET_PATH_LIMIT
    ):
        if not near.exists():
            make_directory(near, 0o700, account)
        return near
    pointer, uid = data / "socket.path", account.uid if account else os.geteuid()
    if pointer.exists():
        remembered = Path(pointer.read_text("utf-8"))
        if _is_ours(remembered) and remembered.exists() and is_private(remembered, uid, 0o077):
            return remembered
    directory = Path(tempfile.mkdtemp(prefix="jicai-", dir=SHORT_DIRECTORY))
    if account is not None:
        os.chown(directory, *account)
    write_private(pointer, str(directory))
    return directory


def _is_ours(place: Path) -> bool:
    """A pointer is only text: nothing but a directory named our way is trusted or deleted."""
    socket = re.escape(f"{SHORT_DIRECTORY}/jicai-") + r"\w+"
    home = re.escape(f"{STATE_DIRECTORY}/") + "[0-9a-f]{16}"
    return bool(re.fullmatch(f"{socket}|{home}", str(place)))


def delete(data: Path) -> None:
    """Delete what the launcher put into a data directory and elsewhere, and only that."""
    for pointer in (data / "socket.path", data / "cluster.path"):
        if pointer.exists():
            if _is_ours(place := Path(pointer.read_text("utf-8"))):
                shutil.rmtree(place, ignore_errors=True)
            pointer.unlink()
    for directory in (data / "cluster", data / "socket", *data.glob("cluster-new-*")):
        shutil.rmtree(directory, ignore_errors=True)
    for name in ("password", "postgres.log", "postgres.log.1", "lock"):
        (data / name).unlink(missing_ok=True)
    if not any(data.iterdir()):
        data.rmdir()

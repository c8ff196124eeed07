"""Make the virtual environment from the lock (standard library only, for it runs before all else).

`make_venv.py VENV [EXTRA...]`: creates VENV if need be, installs the locked versions, then the
project itself. With extras (`bench`) it adds their packages, held to the lock where it names them.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(target: Path, extras: list[str]) -> None:
    """Create, install, link."""
    if sys.version_info < (3, 11):
        sys.exit("需要 Python 3.11 或更新 / Python 3.11 or newer is needed")
    python = target / "bin" / "python"
    if not python.exists():
        try:
            venv.create(target, with_pip=True)
        except subprocess.CalledProcessError:
            sys.exit("缺少 venv 组件, 请安装: apt-get install python3-venv")
    lock = ROOT / "requirements.lock"
    if not extras:
        _pip(python, "install", "-r", str(lock))
        _pip(python, "install", "--no-deps", "--no-build-isolation", "-e", str(ROOT))
    for extra in extras:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        wanted = project["project"]["optional-dependencies"][extra]
        _pip(python, "install", "-c", str(lock), *wanted)


def _pip(python: Path, *arguments: str) -> None:
    command = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True, cwd=ROOT)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), sys.argv[2:])

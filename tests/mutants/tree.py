"""A tree of one's own: the project as it stands in the working directory, where a mutant may live."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.mutants.mutant import ROOT


def copy_project(to: Path) -> None:
    """All that git knows or would take, as it stands now; the environment by reference."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        source = ROOT / name
        if source.is_file():  # one that is deleted is still listed
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, to / name)
    if (ROOT / ".venv").is_dir():
        (to / ".venv").symlink_to(ROOT / ".venv")


def copy_tree(tree: Path, to: Path) -> None:
    """Another of the same, with what Python has compiled: only what a mutant changes is compiled anew."""
    shutil.copytree(tree, to, symlinks=True)

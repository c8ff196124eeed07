"""Peers that want other versions of our libraries: each gets an environment of its own, made once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from datetime import date
from pathlib import Path
from typing import Any

from bench.machine import ROOT
from bench.pairs import Run, console
from bench.pipeline import Total


def environment(peer: str) -> Path:
    """The Python of an environment with what `<peer>.txt` wants, made beside ours at the first use."""
    wanted = Path(__file__).with_name(f"{peer}.txt")
    place = Path(sys.prefix) / "peers" / peer
    python, stamp = place / "bin" / "python", place / wanted.name
    if not stamp.exists() or stamp.read_bytes() != wanted.read_bytes():
        console.print(f"  preparing the environment of {peer}")
        venv.create(place, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "-r", str(wanted)], check=True)
        stamp.write_bytes(wanted.read_bytes())
    return python


def count_by(
    peer: str, python: Path, kafka: str, number: int, state: Path, events: int
) -> tuple[Run, Total]:
    """Let a peer count everything on the topics as a new group; how long it took, and its sums."""
    group = f"{peer}-{number}"
    done = subprocess.run(
        [str(python), "-m", f"bench.{peer}_app", kafka, group, str(state / group)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    said = json.loads(done.stdout.splitlines()[-1])
    return Run(events, said["seconds"], said["cpu"]), _sums(said["sums"])


def _sums(said: dict[str, list[Any]]) -> Total:
    sums: Total = []
    for key, values in said.items():
        if values[0] + values[2] > 0:
            distributor, day = key.split()
            sums.append((distributor, date.fromisoformat(day), *values))
    return sorted(sums)

"""The sample clients by language, and why one cannot run here."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CLIENTS = Path(__file__).resolve().parents[2] / "docs" / "clients"


@dataclass(frozen=True)
class Language:
    """How one client is started."""

    name: str
    command: tuple[str, ...]

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start it; everything it needs to know stands in its environment."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("JICAI_")}
        pipe: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return subprocess.Popen([*self.command, *arguments], env=kept | environment, **pipe)

    def run(
        self, *arguments: str, given: bytes = b"", **environment: str
    ) -> tuple[int, bytes, bytes]:
        """Run it to its end: exit code, output, complaints."""
        process = self.start(*arguments, **environment)
        out, err = process.communicate(given, timeout=120)
        return process.returncode, out, err


def missing(name: str) -> str | None:
    """The reason why this language cannot run here, or None."""
    wanted = {"python": [], "java": ["java", "javac"], "shell": ["sh", "curl", "openssl"]}[name]
    lacking = [program for program in wanted if shutil.which(program) is None]
    return f"not on this machine: {', '.join(lacking)}" if lacking else None


def language(name: str, place: Path) -> Language:
    """The client of this language, compiled into `place` where it must be."""
    if name == "python":
        return Language(name, (sys.executable, "-I", str(CLIENTS / "jicai_client.py")))
    if name == "shell":
        return Language(name, ("sh", str(CLIENTS / "jicai_client.sh")))
    source = str(CLIENTS / "JicaiClient.java")
    compiled = subprocess.run(
        ["javac", "--release", "8", "-encoding", "UTF-8", "-Xlint:all,-options", "-Werror",
         "-d", str(place), source],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert compiled.returncode == 0, compiled.stderr
    return Language(name, ("java", "-Xshare:auto", "-cp", str(place), "JicaiClient"))


def digests(name: str) -> list[str]:
    """What this client can sign with here: SM3 needs an OpenSSL that has it, except in Java."""
    if name == "java":
        return ["sm3", "sha256"]
    if name == "python":
        return [d for d in ("sm3", "sha256") if d in hashlib.algorithms_available]
    known = subprocess.run(
        ["openssl", "dgst", "-list"], capture_output=True, text=True, timeout=30, check=False
    ).stdout
    return ["sm3", "sha256"] if "-sm3" in known else ["sha256"]

"""The broker's own jars: fetched once by Maven, kept in the user's cache, whole or not at all."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Final

POM: Final = Path(__file__).parents[2] / "deploy" / "kafka" / "pom.xml"
_LISTED = "jars.txt"
_OLDEST_JAVA = 17
_FETCH_SECONDS = 600


class BrokerMissing(RuntimeError):
    """There is no broker, and none can be started; the text says what would help."""

    def __init__(
        self, because: str = "set JICAI_KAFKA_BOOTSTRAP, or have Docker, or Java 17 and Maven"
    ):
        super().__init__(f"no broker: {because}")


def find_java() -> str:
    """A Java that runs Kafka 4, by JAVA_HOME or on the path."""
    home = os.environ.get("JAVA_HOME")
    places = [str(Path(home) / "bin" / "java")] if home else []
    for place in (*places, "java"):
        java = shutil.which(place)
        if java is not None and _release(java) >= _OLDEST_JAVA:
            return java
    raise BrokerMissing


def _release(java: str) -> int:
    told = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60)  # noqa: S603
    found = re.search(r'version "(\d+)', told.stderr)
    return int(found.group(1)) if found else 0


def broker_jars() -> Path:
    """The folder with the jars of `deploy/kafka/pom.xml`, filled now if it is not whole."""
    if not POM.is_file():
        raise BrokerMissing
    found = re.search(
        r"<artifactId>broker</artifactId>\s*<version>([\w.]+)<", POM.read_text("utf-8")
    )
    assert found is not None, f"{POM} does not say its version"
    folder = _cache() / f"kafka-{found.group(1)}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(f"{folder.suffix}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two sessions at once fetch once
        if not _is_whole(folder):
            shutil.rmtree(folder, ignore_errors=True)
            _fill(folder)
    return folder


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jicai"


def _is_whole(folder: Path) -> bool:
    """Is every jar that the pom asked for still here? A cleaner may have taken single files."""
    listed = folder / _LISTED
    return listed.is_file() and listed.read_text("utf-8") == _listing(folder)


def _listing(folder: Path) -> str:
    asked = f"{sha256(POM.read_bytes()).hexdigest()} pom.xml\n"
    jars = sorted(folder.glob("*.jar"))
    return asked + "".join(f"{jar.stat().st_size} {jar.name}\n" for jar in jars)


def _fill(folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise BrokerMissing
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}.", dir=folder.parent) as place:
        fresh = Path(place) / "jars"
        fetched = subprocess.run(  # noqa: S603 - Maven, by its own settings
            [maven, "-B", "-q", "-f", POM, f"-DoutputDirectory={fresh}", "-DincludeScope=runtime",
             "dependency:copy-dependencies"],
            capture_output=True, text=True, timeout=_FETCH_SECONDS, cwd=place,
        )  # fmt: skip
        if fetched.returncode:
            said = next((line for line in fetched.stdout.splitlines() if "[ERROR]" in line), "")
            raise BrokerMissing(f"Maven could not fetch the jars of deploy/kafka/pom.xml: {said}")
        (fresh / _LISTED).write_text(_listing(fresh), "utf-8")
        fresh.rename(folder)

"""What a figure depends on besides the program: the machine, its load, and how fast its disk is sure."""

from __future__ import annotations

import os
import platform
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

from shared.kernel.clock import BEIJING

_FLUSHES = 200
_PAGE = b"\0" * 8192


def load_average() -> float:
    """Of the last minute."""
    return os.getloadavg()[0]


def now() -> str:
    """The minute, as people write it."""
    return datetime.now(UTC).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M")


def flush_micros(directory: Path) -> tuple[float, float]:
    """How long a page takes to be on the disk: the median and the 99th of a hundred, in us."""
    path, took = directory / "flush", []
    file = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        for _ in range(_FLUSHES):
            os.write(file, _PAGE)
            begin = time.perf_counter()
            os.fdatasync(file)
            took.append((time.perf_counter() - begin) * 1e6)
    finally:
        os.close(file)
        path.unlink()
    percentiles = statistics.quantiles(took, n=100)
    return percentiles[49], percentiles[98]


def hardware() -> str:
    """Processor, cores, memory, kernel, Python."""
    models = {
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        if line.startswith("model name")
    }
    kilobytes = Path("/proc/meminfo").read_text("utf-8").split()[1]
    return (
        f"{' / '.join(sorted(models)) or platform.machine()}, {os.cpu_count()} cores, "
        f"{int(kilobytes) / 2**20:.0f} GiB; {platform.system()} {platform.release()}; "
        f"Python {platform.python_version()}"
    )

"""What the parties put down (历史): every id before it is sent, every answer after it came, on disk.

Lines of JSON, one file a party, synchronised before the request leaves. The checker reads these
files and nothing that the parties remember.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Entry = dict[str, Any]


class Journal:
    """One party's file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")

    async def put(self, *entries: Entry) -> None:
        """Append, and return when it is on disk."""
        for entry in entries:
            self._file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        await asyncio.to_thread(os.fdatasync, self._file.fileno())

    def close(self) -> None:
        """No more entries."""
        self._file.close()


def read_journals(place: Path) -> Iterator[Entry]:
    """Every entry of every party, each party's in its order."""
    for path in sorted(place.glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            yield json.loads(line)

"""What a backup says of itself (备份清单): it is read before anything of a backup is believed."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

FORMAT: Final = 1
NAME: Final = "manifest.json"
"""The last member of the archive: a backup that was cut off has none."""


class Unusable(Exception):
    """A backup, or the place where it should go, is not as it must be; the text says what to do."""


class SavedTable(msgspec.Struct, frozen=True):
    """One table: what it held, in rows and as the SHA-256 of its text."""

    schema: str
    name: str
    columns: list[str]
    order: list[str]
    rows: int
    sha256: str

    @property
    def member(self) -> str:
        """Its file in the archive."""
        return f"{self.schema}/{self.name}.copy.gz"


class SavedLog(msgspec.Struct, frozen=True):
    """Where one service's log ended: its epoch, and its last fact's place."""

    epoch: int
    last_place: str


class Manifest(msgspec.Struct, frozen=True):
    """A whole backup (备份)."""

    format: int
    version: str
    database: str
    postgres: str
    taken_at: datetime
    migrations: dict[str, dict[str, str]]
    """By schema: the files that were applied, each with its SHA-256."""
    logs: dict[str, SavedLog]
    sequences: dict[str, int]
    xid_max: int
    """The highest transaction id in it; the other cluster must have passed it before it serves."""
    tables: list[SavedTable]

    @property
    def rows(self) -> int:
        """How many rows there are in all."""
        return sum(table.rows for table in self.tables)

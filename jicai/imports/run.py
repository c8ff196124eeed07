"""Runs an import: reference data first, then the facts in batches, and a report that adds up."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from rich.progress import Progress, TaskID

from jicai.client import BATCH_SIZE, Jicai
from jicai.imports.events import gather_resources, row_events, rows_of
from jicai.imports.mapping import Mapping as ImportMapping
from jicai.imports.mapping import load_mapping
from jicai.imports.rows import read_rows
from jicai.imports.values import Row, Unreadable

__all__ = ["ImportReport", "Rejection", "run_import"]

Json = dict[str, Any]
SHOWN_REJECTIONS = 20
UNREADABLE = "unreadable_row"
"""Our own code for a row that never became events; the server's codes stand beside it."""


@dataclass(frozen=True, slots=True)
class Rejection:
    row: int
    event_id: str | None
    code: str
    detail: str


@dataclass(slots=True)
class ImportReport:
    """What became of every row and of every event."""

    rows: int = 0
    organisations: int = 0
    products: int = 0
    events: int = 0
    accepted: int = 0
    duplicate: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    first_rejections: list[Rejection] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        return not self.rejected

    def reject(self, rejection: Rejection) -> None:
        self.rejected[rejection.code] += 1
        if len(self.first_rejections) < SHOWN_REJECTIONS:
            self.first_rejections.append(rejection)


def run_import(
    client: Jicai,
    file: str | Path,
    mapping: ImportMapping | str | Path,
    progress: Progress | None = None,
    *,
    batch_size: int = BATCH_SIZE,
) -> ImportReport:
    """Imports one file. The client must act as an importer. A second run changes nothing."""
    begun = time.monotonic()
    mapping = mapping if isinstance(mapping, ImportMapping) else load_mapping(mapping)
    rows = rows_of(read_rows(Path(file), mapping.columns()), mapping)
    report = ImportReport(rows=len(rows))
    steps = _Steps(progress)
    _put_resources(client, rows, mapping, report, steps)
    _post_events(client, rows, mapping, report, steps, batch_size)
    report.seconds = time.monotonic() - begun
    return report


class _Steps:
    """Progress bars, or none when nobody looks."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress

    def begin(self, words: str, total: int) -> TaskID | None:
        return None if self._progress is None else self._progress.add_task(words, total=total)

    def advance(self, task: TaskID | None, by: int = 1) -> None:
        if self._progress is not None and task is not None:
            self._progress.advance(task, by)


def _put_resources(
    client: Jicai, rows: list[Row], mapping: ImportMapping, report: ImportReport, steps: _Steps
) -> None:
    resources = gather_resources(rows, mapping)
    task = steps.begin("机构与产品", len(resources))
    for resource in resources:
        client.put(resource.path, resource.body)
        steps.advance(task)
    report.organisations = sum("/organisations/" in r.path for r in resources)
    report.products = sum("/products/" in r.path for r in resources)


def _post_events(
    client: Jicai,
    rows: list[Row],
    mapping: ImportMapping,
    report: ImportReport,
    steps: _Steps,
    batch_size: int,
) -> None:
    """A batch's rows are known by place, for two events of a broken file may share an id."""
    task = steps.begin("订单事件", len(rows) * len(mapping.events))
    for batch in _batches(_numbered_events(rows, mapping, report), batch_size):
        results = client.post_events([event for _, event in batch], batch_size=batch_size)
        for (row, event), result in zip(batch, results, strict=True):
            _count(row, event, result, report)
        steps.advance(task, len(batch))


def _count(row: int, event: Json, result: Mapping[str, Any], report: ImportReport) -> None:
    report.events += 1
    if result["status"] == "accepted":
        report.accepted += 1
    elif result["status"] == "duplicate":
        report.duplicate += 1
    else:
        detail = result.get("detail") or result.get("pointer") or ""
        report.reject(Rejection(row, event["id"], result.get("code") or "unknown", detail))


def _numbered_events(
    rows: Iterable[Row], mapping: ImportMapping, report: ImportReport
) -> Iterator[tuple[int, Json]]:
    for row in rows:
        try:
            events = row_events(row, mapping)
        except Unreadable as reason:
            report.reject(Rejection(row.number, None, UNREADABLE, str(reason)))
            continue
        for event in events:
            yield row.number, event


def _batches(events: Iterator[tuple[int, Json]], size: int) -> Iterator[list[tuple[int, Json]]]:
    while batch := list(islice(events, size)):
        yield batch

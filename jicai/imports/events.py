"""A row and a mapping become reference data to PUT and CloudEvents to post.

Reference data repeats in every row; it is gathered once for the whole file. Two names that a hash
gives one id would merge two organisations silently, so that is an error of the whole run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from jicai.imports.mapping import EventTarget, ResourceTarget, Shape
from jicai.imports.mapping import Mapping as ImportMapping
from jicai.imports.values import Expression, Row, Unreadable

__all__ = ["IdCollision", "Resource", "gather_resources", "row_events", "rows_of"]

Json = dict[str, Any]
PATHS = {"organisations": "/orders/v1/organisations", "products": "/orders/v1/products"}


class IdCollision(Exception):
    """Two different things of the file would get the same id."""

    def __init__(self, path: str, first: Json, second: Json) -> None:
        super().__init__(
            f"{path} would stand for both {first.get('name')!r} and {second.get('name')!r} "
            f"({first} / {second}). Give the id another `salt`, `pool` or `division`, "
            "or name more columns in its short_hash."
        )


@dataclass(frozen=True, slots=True)
class Resource:
    path: str
    body: Json


def rows_of(cells: Iterable[Mapping[str, str]], mapping: ImportMapping) -> list[Row]:
    """The file's rows, numbered as a spreadsheet shows them (the header is row 1)."""
    return [
        Row(number, row, mapping.values, mapping.date_formats)
        for number, row in enumerate(cells, start=2)
    ]


def gather_resources(rows: Iterable[Row], mapping: ImportMapping) -> list[Resource]:
    """Every organisation and product once, organisations first, in order of appearance.

    One name in two parts (a vendor that is also a manufacturing site) is one organisation with
    both kinds. A row that cannot be read is skipped here and reported with its events.
    """
    found: dict[str, Json] = {}
    rows = list(rows)
    for target in mapping.resources:
        for row in rows:
            try:
                path, body = _resource(target, row)
            except Unreadable:
                continue
            found[path] = _merged(path, found.get(path, body), body)
    return [Resource(path, body) for path, body in found.items()]


def row_events(row: Row, mapping: ImportMapping) -> list[Json]:
    """The facts that one row tells, in the mapping's order; all of them or `Unreadable`."""
    return [_event(target, row, mapping.source) for target in mapping.events]


def _resource(target: ResourceTarget, row: Row) -> tuple[str, Json]:
    body = {key: _filled(shape, row) for key, shape in target.body.items()}
    return f"{PATHS[target.kind]}/{target.id.value(row)}", body


def _merged(path: str, known: Json, body: Json) -> Json:
    if known == body:
        return known
    kinds = sorted({*known.get("kinds", ()), *body.get("kinds", ())})
    if not kinds or {**known, "kinds": kinds} != {**body, "kinds": kinds}:
        raise IdCollision(path, known, body)
    return {**body, "kinds": kinds}


def _event(target: EventTarget, row: Row, source: str) -> Json:
    return {
        "specversion": "1.0",
        "id": str(target.id.value(row)),
        "source": source,
        "type": target.type,
        "time": _json(target.occurred_at, row),
        "datacontenttype": "application/json",
        "data": {key: _filled(shape, row) for key, shape in target.data.items()},
    }


def _filled(shape: Shape, row: Row) -> Any:
    if isinstance(shape, dict):
        return {key: _filled(inner, row) for key, inner in shape.items()}
    if isinstance(shape, list):
        return [_filled(inner, row) for inner in shape]
    return _json(shape, row)


def _json(expression: Expression, row: Row) -> str | int | bool:
    value = expression.value(row)
    return value.isoformat() if isinstance(value, date) else value

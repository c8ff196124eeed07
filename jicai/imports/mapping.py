"""Reads a mapping file: the page on which an integrator says how an old file becomes our facts.

A mapping is TOML, so that it can carry comments and be read without knowing Python. It is read
once into a typed value; a slip in it (an unknown word, a missing option) stops the import before
the first row, and the message says where in the file it stands.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping as Map
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from jicai.imports.days import At, Day, EarlierOf, FirstOf
from jicai.imports.derived import HospitalCode, ShortHash, Uscc
from jicai.imports.values import (
    Column,
    Constant,
    Expression,
    Format,
    Integer,
    Lookup,
    Number,
    Use,
)

__all__ = ["EventTarget", "Mapping", "MappingError", "ResourceTarget", "Shape", "load_mapping"]

Shape = Expression | dict[str, "Shape"] | list["Shape"]
"""What a target's body looks like: expressions in the places where values will stand."""

Words = Map[str, Any]
Where = str


class MappingError(Exception):
    """The mapping file itself is wrong."""


@dataclass(frozen=True, slots=True)
class ResourceTarget:
    """Reference data (organisations, products) that a row mentions."""

    kind: str
    id: Expression
    body: dict[str, Shape]


@dataclass(frozen=True, slots=True)
class EventTarget:
    """A fact that a row tells."""

    type: str
    id: Expression
    occurred_at: Expression
    data: dict[str, Shape]


@dataclass(frozen=True, slots=True)
class Mapping:
    """A whole mapping file, checked."""

    name: str
    source: str
    date_formats: tuple[str, ...]
    values: Map[str, Expression]
    resources: tuple[ResourceTarget, ...]
    events: tuple[EventTarget, ...]

    def columns(self) -> frozenset[str]:
        """Every column that the mapping asks of the file."""
        shapes: list[Shape] = [*self.values.values()]
        for resource in self.resources:
            shapes += [resource.id, resource.body]
        for event in self.events:
            shapes += [event.id, event.occurred_at, event.data]
        return frozenset().union(*(_columns(s) for s in shapes)) - self.values.keys()


def load_mapping(file: str | Path) -> Mapping:
    """Reads a mapping from a path, or one of those shipped with the product by its bare name."""
    path = Path(file)
    if path.suffix == ".toml":
        text = path.read_text(encoding="utf-8")
    else:
        shipped = resources.files("jicai.imports") / "mappings" / f"{file}.toml"
        if not shipped.is_file():
            raise MappingError(f"no mapping named {file} is shipped; give the path of a .toml file")
        text = shipped.read_text(encoding="utf-8")
    try:
        return _mapping(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise MappingError(f"{file} is not TOML: {error}") from error


def _mapping(page: Words) -> Mapping:
    about = _need(page, "import", "the file")
    return Mapping(
        name=_need(about, "name", "[import]"),
        source=_need(about, "source", "[import]"),
        date_formats=tuple(about.get("date_formats", ())),
        values={n: _expression(w, f"values.{n}") for n, w in page.get("values", {}).items()},
        resources=tuple(
            _resource(kind, words, f"{kind}[{i}]")
            for kind in ("organisations", "products")
            for i, words in enumerate(page.get(kind, []))
        ),
        events=tuple(_event(w, f"events[{i}]") for i, w in enumerate(page.get("events", []))),
    )


def _resource(kind: str, words: Words, where: Where) -> ResourceTarget:
    body = {k: _shape(v, f"{where}.{k}") for k, v in words.items() if k != "id"}
    return ResourceTarget(kind, _expression(_need(words, "id", where), f"{where}.id"), body)


def _event(words: Words, where: Where) -> EventTarget:
    return EventTarget(
        type=_need(words, "type", where),
        id=_expression(_need(words, "id", where), f"{where}.id"),
        occurred_at=_expression(_need(words, "occurred_at", where), f"{where}.occurred_at"),
        data={k: _shape(v, f"{where}.{k}") for k, v in _need(words, "data", where).items()},
    )


def _shape(words: Any, where: Where) -> Shape:
    """A table that has one of the language's words is a value; any other is a nested object."""
    if isinstance(words, list):
        return [_shape(item, f"{where}[{i}]") for i, item in enumerate(words)]
    if isinstance(words, dict) and not words.keys() & WORDS.keys():
        return {k: _shape(v, f"{where}.{k}") for k, v in words.items()}
    return _expression(words, where)


def _expression(words: Any, where: Where) -> Expression:
    if isinstance(words, str | int | bool):
        return Constant(words)
    if not isinstance(words, dict):
        raise MappingError(f"{where}: {words!r} is neither a constant nor one of {_known()}")
    found = sorted(words.keys() & WORDS.keys())
    if len(found) != 1:
        raise MappingError(f"{where}: needs exactly one of {_known()}, has {sorted(words)}")
    options = {k: v for k, v in words.items() if k not in (found[0], "at")}
    try:
        expression = WORDS[found[0]](words[found[0]], options, where)
    except TypeError as error:
        raise MappingError(f"{where}: {found[0]} does not take {sorted(options)}") from error
    return At(expression, words["at"]) if "at" in words else expression


def _choices(words: Any, where: Where) -> tuple[Expression, ...]:
    return tuple(_expression(w, f"{where}[{i}]") for i, w in enumerate(words))


def _columns(shape: Shape) -> frozenset[str]:
    if isinstance(shape, dict):
        return frozenset().union(*(_columns(s) for s in shape.values()))
    if isinstance(shape, list):
        return frozenset().union(*(_columns(s) for s in shape))
    return shape.columns()


def _need(words: Words, key: str, where: Where) -> Any:
    if key not in words:
        raise MappingError(f"{where}: {key} is missing")
    return words[key]


def _known() -> str:
    return ", ".join(WORDS)


WORDS: dict[str, Any] = {
    "column": lambda word, options, _: Column(word, **options),
    "use": lambda word, options, _: Use(word, **options),
    "format": lambda word, options, _: Format(word, **options),
    "number": lambda word, options, _: Number(word, **options),
    "integer": lambda word, options, _: Integer(word, **options),
    "lookup": lambda word, options, _: Lookup(word, **options),
    "date": lambda word, options, _: Day(word, **options),
    "first_of": lambda words, options, where: FirstOf(_choices(words, where), **options),
    "earlier_of": lambda words, options, where: EarlierOf(_choices(words, where), **options),
    "hospital_code": lambda word, options, _: HospitalCode(word, **options),
    "uscc": lambda word, options, _: Uscc(word, **options),
    "short_hash": lambda words, options, _: ShortHash(tuple(words), **options),
}
"""Every word of the language. A new word is a class and a line here."""

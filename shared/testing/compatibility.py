"""What was published stays readable (事件兼容性): v1 of an event grows by optional members only.

`breaches` holds the catalogue of facts against a snapshot of what was published. An enumeration may
neither lose a value nor gain one: a reader who checks records against the schema it has would
refuse the new value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from shared.events.catalogue import SCHEMAS, Channel, schemas

Json = dict[str, Any]

_WORDS: Final = frozenset({"title", "description", "examples"})
"""Say nothing about a record's form."""

_COMPARED: Final = frozenset(
    {"$ref", "anyOf", "type", "properties", "required", "items", "additionalProperties", "enum"}
)
"""Compared part by part; every other keyword must stay as it is."""


def snapshot(channels: Iterable[Channel]) -> Json:
    """The schema of every published type by topic, without the words."""
    topics, components = schemas(channels)
    return {"topics": topics, "components": _without_words(components)}


def breaches(was: Json, now: Json) -> list[str]:
    """What of `was` can no longer be relied on, each with its place; empty = compatible."""
    found: list[str] = []
    compare = _Comparison(was["components"], now["components"])
    for topic, types in was["topics"].items():
        for type_, schema in types.items():
            published = now["topics"].get(topic, {}).get(type_)
            if published is None:
                found.append(f"{topic} {type_}: is gone")
            else:
                found += compare.schemas(schema, published, f"{topic} {type_}")
    return found


class _Comparison:
    """Two sets of components, walked together."""

    def __init__(self, was: Json, now: Json) -> None:
        self._was, self._now = was, now

    def schemas(self, was: Json, now: Json, at: str) -> Iterator[str]:
        """The breaches of one schema and of all below it."""
        was, now = _resolved(was, self._was), _resolved(now, self._now)
        if was.get("type") != now.get("type"):
            yield f"{at}: the type changed from {_kind(was)} to {_kind(now)}"
            return
        yield from self._options(was, now, at)
        yield from self._members(was, now, at)
        yield from _values(was, now, at)
        for inside in ("items", "additionalProperties"):
            one, other = was.get(inside), now.get(inside)
            if isinstance(one, dict) and isinstance(other, dict):
                yield from self.schemas(one, other, f"{at}[]")
            elif one != other:
                yield f"{at}: {inside} changed"
        for keyword in sorted((was.keys() | now.keys()) - _COMPARED):
            if was.get(keyword) != now.get(keyword):
                yield f"{at}: {keyword} changed"

    def _options(self, was: Json, now: Json, at: str) -> Iterator[str]:
        """Null is an option too: a member that may be null now was not before, or the reverse."""
        before, after = was.get("anyOf", []), now.get("anyOf", [])
        if len(before) != len(after):
            yield f"{at}: the type changed from {_kind(was)} to {_kind(now)}"
            return
        for one, other in zip(before, after, strict=True):
            yield from self.schemas(one, other, at)

    def _members(self, was: Json, now: Json, at: str) -> Iterator[str]:
        before, after = was.get("properties", {}), now.get("properties", {})
        needed, needed_now = set(was.get("required", ())), set(now.get("required", ()))
        for member, schema in before.items():
            if member not in after:
                yield f"{at}.{member}: was removed or renamed"
                continue
            if (member in needed) != (member in needed_now):
                change = "optional, was required" if member in needed else "required, was optional"
                yield f"{at}.{member}: is {change}"
            yield from self.schemas(schema, after[member], f"{at}.{member}")
        for member in sorted(needed_now - before.keys()):
            yield f"{at}.{member}: is new and required, records of before lack it"


def _values(was: Json, now: Json, at: str) -> Iterator[str]:
    """The values of an enumeration."""
    before, after = set(was.get("enum", ())), set(now.get("enum", ()))
    for value in sorted(before - after):
        yield f"{at}: the value {value!r} was removed"
    for value in sorted(after - before):
        yield f"{at}: the value {value!r} is new"


def _resolved(schema: Json, components: Json) -> Json:
    """What a reference stands for: the name of a structure is nobody's business."""
    while "$ref" in schema:
        schema = components[schema["$ref"].removeprefix(SCHEMAS)]
    return schema


def _kind(schema: Json) -> str:
    return str(schema.get("type") or [key for key in ("anyOf", "enum") if key in schema])


def _without_words(schemas_: Any) -> Any:
    """The same without the words; members that happen to be called so stay."""
    if isinstance(schemas_, list):
        return [_without_words(one) for one in schemas_]
    if not isinstance(schemas_, dict):
        return schemas_
    return {
        key: {name: _without_words(one) for name, one in value.items()}
        if key == "properties"
        else _without_words(value)
        for key, value in schemas_.items()
        if not (key in _WORDS and isinstance(value, str | list))
    }

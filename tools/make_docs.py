"""Write the documents that are made from the code: docs/events.md, docs/import.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.orders.api.imports.page import import_page
from shared.events.catalogue import CHANNELS, SCHEMAS, schemas
from shared.events.topics import COMPACTED

ROOT = Path(__file__).resolve().parent.parent

Json = dict[str, Any]

_HEAD = """# Facts on the topics

Made from `shared/events` by `make docs`; `/asyncapi.json` says the same to machines. A record's value
is the event's data in the words of the contract's section 3, with what held when the order was
recorded beside it. Quantities and prices are decimal strings, as sent or in their shortest form;
the same number in ten-thousandths stands beside each under a name in `_e4`. Instants are RFC 3339
in UTC. What is optional is left out where there is none. Members may be added; none is ever
removed (`tests/events/published_v1.json`, renewed by `make publish-events`).

The envelope stands in the record's headers, CloudEvents 1.0 in binary mode: `ce_specversion`, `ce_id`,
`ce_source`, `ce_type`, `ce_time`, `ce_subject`, `content-type`, `ce_streamversion`, `ce_recordedtime`,
`ce_log`, `ce_logposition`, and `traceparent` where there is one. A record of type `jicai.mark.v1` says that a closing
instant has passed; readers may pass it over. A fact may appear again with the same `ce_source` and
`ce_id`. What a group could not take stands on `<topic>.dead.<group>`, with `jicai_reason`.
"""


def events_page() -> str:
    """The catalogue of facts, topic by topic, then the parts that facts share."""
    payloads, components = schemas(CHANNELS)
    parts = [_HEAD, "| topic | what | key | kept |\n|---|---|---|---|"]
    for channel in CHANNELS:
        kept = "compacted" if channel.topic in COMPACTED else "time"
        parts.append(f"| `{channel.topic}` | {channel.summary} | `{channel.key}` | {kept} |")
    parts.append("")
    facts = set()
    for channel in CHANNELS:
        if channel.facts:
            parts.append(f"## `{channel.topic}`\n\n{channel.title}. {channel.summary}\n")
        for type_ in channel.facts:
            name = _name(payloads[channel.topic][type_])
            facts.add(name)
            parts += [f"### `{type_}`\n", *_table(components[name])]
    parts.append("## Parts of facts\n")
    for name in sorted(components.keys() - facts):
        parts += [f"### {name}\n", *_table(components[name])]
    return "\n".join(parts)


def _table(schema: Json) -> Iterator[str]:
    """A structure with its members."""
    yield f"{schema.get('description', '')}\n"
    yield "| member | form | |\n|---|---|---|"
    for member, form in schema["properties"].items():
        need = "required" if member in schema.get("required", ()) else "optional"
        yield f"| `{member}` | {_form(form)} | {need} |"
    yield ""


def _form(schema: Json) -> str:
    """The form of a member in words."""
    match schema:
        case {"$ref": _}:
            name = _name(schema)
            return f"[{name}](#{name.lower()})"
        case {"anyOf": options}:
            return " or ".join(_form(one) for one in options if one != {"type": "null"})
        case {"enum": values}:
            return " or ".join(f"`{value}`" for value in values)
        case {"type": "array", "items": items}:
            return f"list of {_form(items)}"
        case {"type": "object", "additionalProperties": dict() as values}:
            return f"object of {_form(values)}"
        case {"format": "date-time"}:
            return "instant"
        case {"format": "date"}:
            return "day"
        case {"pattern": _}:
            return "decimal string"
    return str(schema.get("type", "anything"))


def _name(schema: Json) -> str:
    return str(schema["$ref"]).removeprefix(SCHEMAS)


if __name__ == "__main__":
    (ROOT / "docs" / "events.md").write_text(events_page(), encoding="utf-8")
    (ROOT / "docs" / "import.md").write_text(import_page(), encoding="utf-8")

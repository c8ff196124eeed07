"""What the platform says of a ticket by itself: one text, which is its own canonical form."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from shared.events.feedback import FACTS


def kinds(schema: Any) -> set[str]:
    """Every type that a schema names."""
    if isinstance(schema, list):
        return set().union(*map(kinds, schema))
    if not isinstance(schema, dict):
        return set()
    named = {schema["type"]} if isinstance(schema.get("type"), str) else set()
    return named.union(*map(kinds, schema.values()))


def test_no_fact_of_a_ticket_holds_a_number() -> None:
    """Floats and large integers are what the canonical form of a struct does not look for."""
    schemas = msgspec.json.schema_components(list(FACTS.values()))
    found = kinds(json.loads(json.dumps(schemas)))
    assert {"string", "boolean", "array", "object"} <= found
    assert not found & {"number", "integer"}

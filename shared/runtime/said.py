"""What somebody says through a door that reads by itself (原文): 404 and 403 go before its faults."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from shared.events.envelope import written
from shared.kernel.decider import Sent
from shared.runtime.actors import Actor

Said = dict[str, Any]
"""What somebody sent, as it was sent: an event keeps every member of it (原文)."""

B = TypeVar("B", bound=BaseModel)


def documented(form: type[BaseModel]) -> dict[str, Any]:
    """Such a body in /openapi.json."""
    schema = form.model_json_schema()
    content = {"application/json": {"schema": _written_out(schema, schema.pop("$defs", {}))}}
    return {"requestBody": {"required": True, "content": content}}


def _written_out(schema: Any, named: dict[str, Any]) -> Any:
    """A schema whose parts stand where they are used: names would be looked up in another document."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _written_out(named[schema["$ref"].rpartition("/")[2]], named)
        return {name: _written_out(member, named) for name, member in schema.items()}
    return [_written_out(item, named) for item in schema] if isinstance(schema, list) else schema


def read_as(form: type[B], said: Said, *, spanning: str | None = None) -> B:
    """A body in its form; the problem of a malformed one names every fault by its pointer.

    `spanning` names the member that a rule over several members is about.
    """
    try:
        return form.model_validate(said)
    except ValidationError as error:
        whole = ("body",) if spanning is None else ("body", spanning)
        raise RequestValidationError(
            [
                {**fault, "loc": ("body", *fault["loc"]) if fault["loc"] else whole}
                for fault in error.errors()
            ]
        ) from None


def as_sent(
    actor: Actor, stream: str, event_id: str, type_: str, command: Any, words: Said, now: datetime
) -> Sent:
    """It as an event of theirs (CloudEvents), dated by our clock, for the desk.

    Its source is the organisation that speaks.
    """
    source = f"urn:jicai:{actor.organisation}"
    sha256, payload = written(source=source, id=event_id, type=type_, time=now, data=words)
    return Sent(
        stream=stream,
        source=source,
        event_id=event_id,
        type=type_,
        occurred_at=now,
        sha256=sha256,
        payload=payload,
        command=command,
        role=actor.role,
        organisation=actor.organisation,
    )

"""Bodies that a door reads by itself (请求体): 404 and 403 go before their faults."""

from __future__ import annotations

from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

Said = dict[str, Any]
"""What somebody sent, as it was sent: an event keeps every member of it (原文)."""

B = TypeVar("B", bound=BaseModel)


def documented(form: type[BaseModel]) -> dict[str, Any]:
    """Such a body in /openapi.json."""
    content = {"application/json": {"schema": form.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}


def read_as(form: type[B], said: Said) -> B:
    """A body in its form; the problem of a malformed one names every fault by its pointer."""
    try:
        return form.model_validate(said)
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
        raise RequestValidationError(faults) from None

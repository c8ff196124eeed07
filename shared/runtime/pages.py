"""Pages of lists: an opaque cursor that names the last item (分页)."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

import msgspec
from fastapi import Query

from shared.kernel.errors import Problem

Limit = Annotated[int, Query(ge=1, le=1000, description="至多返回的条数")]
After = Annotated[str | None, Query(description="上一页给出的 next")]


def cursor(*key: str | int) -> str:
    """The cursor behind the item with this key."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).rstrip(b"=").decode()


def bad_cursor() -> Problem:
    """422: the cursor is not one of ours (分页游标无效)."""
    return Problem(
        422,
        "malformed",
        "参数 after 不是有效的分页游标",
        "after is not a cursor of this list",
        errors=[{"pointer": "/after", "code": "malformed", "detail": "bad cursor"}],
    )


def read_cursor(text: str, *kinds: type) -> tuple[Any, ...]:
    """The key behind a cursor, checked to have these types; 422 for anything else."""
    try:
        padded = text + "=" * (-len(text) % 4)
        key = msgspec.json.decode(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise bad_cursor() from None
    if not isinstance(key, list) or len(key) != len(kinds):
        raise bad_cursor()
    if not all(_fits(part, kind) for part, kind in zip(key, kinds, strict=True)):
        raise bad_cursor()
    return tuple(key)


def _fits(part: Any, kind: type) -> bool:
    """A cursor can be made up: its parts must be what a database can hold."""
    if type(part) is not kind:
        return False
    if isinstance(part, int):
        return 0 <= part < 2**63
    return "\0" not in str(part)


def page(items: list[Any], limit: int, next_cursor: str | None) -> dict[str, Any]:
    """The document of one page; `next` is null on the last."""
    return {"items": items, "next": next_cursor if len(items) >= limit else None}

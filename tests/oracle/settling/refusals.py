"""What a request is answered, and how it is refused.

Readings
- Where the contract names no code, `code` is None: only the status binds.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """A status; a code where it is refused, a resource where it is not."""

    status: int
    code: str | None = None
    body: Any = None


class Refused(Exception):
    """A fault that the caller is told."""

    def __init__(self, status: int, code: str | None = None) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code = status, code


def refuse_if(condition: bool, status: int, code: str | None = None) -> None:
    """Refuse where a fault holds."""
    if condition:
        raise Refused(status, code)


def whole(condition: bool) -> None:
    """422 `malformed` unless the body is what it should be."""
    refuse_if(not condition, 422, "malformed")


def text(body: Any, member: str) -> str:
    """A non-empty string of a body."""
    whole(isinstance(body, dict))
    value = body.get(member)
    whole(isinstance(value, str) and value != "")
    return str(value)


def amount(body: Any, member: str = "amount_fen") -> int:
    """A positive amount in integer fen."""
    whole(isinstance(body, dict))
    value = body.get(member)
    whole(isinstance(value, int) and not isinstance(value, bool) and value > 0)
    return int(value)

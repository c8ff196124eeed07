"""RFC 8785 canonical JSON and the fact hash of section 1, written plainly.

Readings
- A fraction of a second is written without trailing zeros, and left out where it is zero.
- `subject` is left out of the hash when it was not sent; a `null` that was sent stays.
- Floats are unsupported on purpose: our facts carry quantities and prices as strings.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any

from tests.oracle.wire import parse_time

SHORT_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\t": "\\t",
    "\n": "\\n",
    "\f": "\\f",
    "\r": "\\r",
}


def quoted(text: str) -> str:
    """A JSON string as RFC 8785 writes it: only what must be escaped is escaped."""
    out = []
    for char in text:
        if char in SHORT_ESCAPES:
            out.append(SHORT_ESCAPES[char])
        elif ord(char) < 0x20:
            out.append(f"\\u{ord(char):04x}")
        else:
            out.append(char)
    return '"' + "".join(out) + '"'


def canonical(value: Any) -> str:
    """The one text that RFC 8785 gives a JSON value; keys sort by their UTF-16 code units."""
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, int):
        if abs(value) >= 2**53:
            raise TypeError(f"an integer that a double cannot hold: {value}")
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{quoted(key)}:{canonical(value[key])}" for key in keys) + "}"
    raise TypeError(f"the oracle does not canonicalise {type(value).__name__}")


def time_text(instant: datetime) -> str:
    """`2026-01-05T01:00:00Z`, with a fraction only where it is not zero."""
    utc = instant.astimezone(UTC)
    fraction = f".{utc.microsecond:06d}".rstrip("0").rstrip(".")
    return utc.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


def fact_hash(event: dict[str, Any]) -> str:
    """The hash of a fact as it was sent: the six members that make its content."""
    covered = {
        name: event[name] for name in ("source", "id", "type", "subject", "data") if name in event
    }
    covered["time"] = time_text(parse_time(event["time"]))
    return hashlib.sha256(canonical(covered).encode()).hexdigest()


def root(hashes: list[str]) -> str:
    """The hash of the newline-joined hashes, in the order given (the published one)."""
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def same_content(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two events of one (source, id) say the same: type, instant, subject, data."""
    return fact_hash(one) == fact_hash(other)

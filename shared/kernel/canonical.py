"""One byte string for one JSON value, and the hashes over it (规范化, 存证哈希; RFC 8785).

msgspec writes the bytes RFC 8785 asks for, except for floats, for integers beyond 2**53 and for
the order of keys outside the basic plane. A value that may hold one of those takes the slow road.
"""

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from types import NoneType
from typing import Any, Final

import msgspec
import rfc8785

from shared.kernel.clock import utc_text

MAX_DEPTH: Final = 64
_SAFE_INTEGER: Final = 2**53 - 1

_PLAIN: Final = frozenset((str, bool, NoneType))

# Keys sort by UTF-16 there and by code point here; the two differ only where a four-byte
# UTF-8 sequence occurs, and these are the bytes that begin one.
_FOUR_BYTE_LEADS: Final = (b"\xf0", b"\xf1", b"\xf2", b"\xf3", b"\xf4")

# Floats are read by Python so that 1e400 becomes an infinity, which spoils only the event it
# stands in; msgspec would refuse the whole batch.
_decode = msgspec.json.Decoder(float_hook=float).decode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode
_encode = msgspec.json.Encoder().encode


def decode_json(raw: bytes) -> Any:
    """Read JSON text, raising nothing but ValueError."""
    try:
        return _decode(raw)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def canonical(value: Any) -> bytes:
    """Write a decoded JSON value by RFC 8785 (规范化).

    A struct is a fact of our own: it holds no float and no large integer, and its keys are plain.
    """
    if isinstance(value, msgspec.Struct):
        return _encode_sorted(value)
    if _is_plain(value, MAX_DEPTH):
        try:
            text = _encode_sorted(value)
        except TypeError:
            # A key that is no string: the reference implementation names the fault.
            return _canonical_slowly(value)
        if text.isascii() or not any(lead in text for lead in _FOUR_BYTE_LEADS):
            return text
    return _canonical_slowly(value)


def _is_plain(value: Any, depth: int) -> bool:
    """Tell whether a value holds no float, no large integer and is not too deep."""
    kind = type(value)
    if kind is dict:
        value = value.values()
    elif kind is not list:
        return kind in _PLAIN or (kind is int and -_SAFE_INTEGER <= value <= _SAFE_INTEGER)
    if depth == 0:
        return False
    # Asking for the kind here saves a call for every string, which is nearly every value.
    for item in value:  # noqa: SIM110 - a generator costs twice as much
        if type(item) not in _PLAIN and not _is_plain(item, depth - 1):
            return False
    return True


def _canonical_slowly(value: Any) -> bytes:
    """Let the reference implementation write what msgspec would write differently."""
    try:
        return rfc8785.dumps(_as_doubles(value, MAX_DEPTH))
    except OverflowError:
        raise ValueError("an integer beyond the range of a double") from None


def _as_doubles(value: Any, depth: int) -> Any:
    """Turn large integers into the doubles that RFC 8785 takes them for, counting levels."""
    kind = type(value)
    if kind is int:
        return value if -_SAFE_INTEGER <= value <= _SAFE_INTEGER else float(value)
    if kind is float and not math.isfinite(value):
        raise ValueError("a number that is not finite")
    if kind is list or kind is dict:
        if depth == 0:
            raise ValueError(f"nested more than {MAX_DEPTH} levels deep")
        if kind is list:
            return [_as_doubles(item, depth - 1) for item in value]
        return {key: _as_doubles(item, depth - 1) for key, item in value.items()}
    return value


def fact_sha256(
    *, source: str, id: str, type: str, time: datetime, subject: str | None, data: Any
) -> bytes:
    """Hash what a sender said, so that the same words are known again (事实哈希)."""
    said: dict[str, Any] = {"id": id, "source": source}
    if subject is not None:
        said["subject"] = subject
    # msgspec writes a whole second in UTC as `utc_text` does, at a tenth of its price.
    plain = time.microsecond == 0 and time.tzinfo is UTC
    said["time"] = time if plain else utc_text(time)
    said["type"] = type
    # `data` sorts before the rest, which stands in order already: nothing is sorted twice.
    return sha256(b'{"data":%b,%b' % (canonical(data), _encode(said)[1:])).digest()


def root(hashes: Iterable[str]) -> str:
    """Hash the newline-joined hashes of a published list, in its order (根哈希)."""
    return sha256("\n".join(hashes).encode()).hexdigest()

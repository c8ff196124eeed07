"""A batch into its items (拆分批量): one that our JSON reader cannot stand never takes the others along.

The fast road refuses a whole body for a lone surrogate or for deep nesting, which are JSON all the
same. The slow road here is taken only then: it cuts at the top level by brackets and quotes, and asks
of each item whether it is JSON at all.
"""

from __future__ import annotations

import json
import re
from typing import Final, NoReturn

import msgspec

_split = msgspec.json.Decoder(list[msgspec.Raw]).decode
_check = msgspec.json.Decoder(msgspec.Raw).decode

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{},]')
_DEEPER: Final = (b"[", b"{")
_HIGHER: Final = (b"]", b"}")


def split_batch(body: bytes) -> list[bytes]:
    """The items of a JSON array as the sender's bytes; ValueError for what is not JSON.

    msgspec.ValidationError (a ValueError too) for JSON that is no array.
    """
    try:
        return [bytes(item) for item in _split(body)]
    except msgspec.ValidationError:
        check_json(body)
        raise
    except (msgspec.DecodeError, RecursionError):
        text = body.strip(b" \t\r\n")
        if not text.startswith(b"["):
            raise ValueError("no JSON array") from None
        items = _cut(text)
        for item in items:
            check_json(item)
        return items


def check_json(text: bytes) -> None:
    """ValueError unless this is JSON, be it ever so strange."""
    try:
        _check(text)
    except (msgspec.DecodeError, RecursionError):
        try:
            json.loads(text.decode(), parse_constant=_no_number, parse_int=str, parse_float=str)
        except RecursionError:
            # Too deep to look into: its brackets match, and its own reader refuses it alone.
            if len(_cut(b"[%b]" % text)) != 1:
                raise ValueError("more than one value") from None


def _cut(array: bytes) -> list[bytes]:
    """The parts between the commas of the outermost brackets; these and all others must match."""
    open_, cuts = [], [1]
    for token in _TOKEN.finditer(array):
        sign = token.group()
        if sign in _DEEPER:
            open_.append(sign)
        elif sign in _HIGHER:
            if not open_ or _DEEPER.index(open_.pop()) != _HIGHER.index(sign):
                raise ValueError(f"an unexpected {sign.decode()} at byte {token.start()}")
            if not open_ and token.end() != len(array):
                raise ValueError(f"something follows at byte {token.end()}")
        elif sign == b"," and len(open_) == 1:
            cuts.append(token.end())
    if open_:
        raise ValueError("a bracket is not closed")
    ends = [cut - 1 for cut in cuts[1:]] + [len(array) - 1]
    return [array[start:end].strip(b" \t\r\n") for start, end in zip(cuts, ends, strict=True)]


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")

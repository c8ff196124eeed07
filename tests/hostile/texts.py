"""Texts that are nearly JSON, or JSON as nobody writes it: for a whole body, and for a member of one."""

from __future__ import annotations

import codecs
import json
import random
from typing import Any

DEEP = 100_000

VALUES: dict[str, bytes] = {
    "a broken byte": b'"\xff"',
    "half a character": '"药'.encode()[:-1] + b'"',
    "an overlong slash": b'"\xc0\xaf"',
    "a surrogate in bytes": b'"\xed\xa0\x80"',
    "a lone surrogate": b'"\\ud800"',
    "surrogates the wrong way round": b'"\\udc00\\ud800"',
    "not a number": b"NaN",
    "infinity": b"Infinity",
    "minus infinity": b"-Infinity",
    "more than a double": b"1e400",
    "an exponent of 400 digits": b"1e" + b"9" * 400,
    "a tiny exponent of 400 digits": b"1e-" + b"9" * 400,
    "an integer of 10,000 digits": b"9" * 10_000,
    "a fraction of 10,000 digits": b"0." + b"3" * 10_000,
    "2^63": b"9223372036854775808",
    "minus nothing": b"-0",
    "minus nothing in parts": b"-0.0",
    "a leading nought": b"012",
    "a hexadecimal": b"0x10",
    "a quantity of 10,000 digits": b'"' + b"9" * 10_000 + b'"',
    "a quantity with an exponent": b'"1e' + b"9" * 400 + b'"',
    "an escaped nul": b'"a\\u0000b"',
    "a raw nul": b'"a\0b"',
    "a raw line end": b'"a\nb"',
    "an unknown escape": b'"\\x41"',
    "an array as deep as a well": b"[" * DEEP + b"]" * DEEP,
    "an object as deep as a well": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "an array that is not closed": b"[" * DEEP,
    "an object with a member twice": b'{"id":"a","id":"b","data":1,"data":2}',
    "an object of 20,000 members": json.dumps({str(n): n for n in range(20_000)}).encode(),
    "a member without a name": b'{"":1}',
    "a dangerous name": b'{"__proto__":{"a":1},"__class__":"x"}',
    "single quotes": b"{'a':1}",
    "a comma too many": b"[1,]",
    "a comment": b"/* x */ 1",
    "two values": b"{} {}",
    "nothing": b"",
    "only space": b" \t\r\n",
    "null": b"null",
    "a formula": b"\"=cmd|' /C calc'!A0\"",
    "a statement": b'"\'; DROP TABLE events; --"',
    "a text of a mebibyte": b'"' + b"x" * 1024 * 1024 + b'"',
    "marks without end": ('"e' + "́" * 50_000 + '"').encode(),
}

BODIES: dict[str, bytes] = VALUES | {
    "a byte order mark": codecs.BOM_UTF8 + b"{}",
    "UTF-16": "[{}]".encode("utf-16"),
    "UTF-32": "[{}]".encode("utf-32"),
    "random bytes": random.Random(1).randbytes(10_000),
    "a thousand noughts": b"[" + b",".join([b"null"] * 1000) + b"]",
    "a thousand and one": b"[" + b",".join([b"null"] * 1001) + b"]",
    "many small deep ones": b"[" + b",".join([b"[" * 900 + b"]" * 900] * 1000) + b"]",
}

_HERE = b'"@here@"'


def with_text(document: Any, text: bytes, draw: random.Random) -> bytes:
    """The document with this text in the place of one of its members, chosen by the seed."""
    places = list(_places(document))
    *way, last = draw.choice(places)
    copy = json.loads(json.dumps(document))
    at = copy
    for step in way:
        at = at[step]
    at[last] = "@here@"
    return json.dumps(copy, ensure_ascii=False).encode().replace(_HERE, text)


def _places(document: Any) -> Any:
    steps = (
        document.items()
        if isinstance(document, dict)
        else enumerate(document)
        if isinstance(document, list)
        else ()
    )
    for step, member in steps:
        yield (step,)
        for rest in _places(member):
            yield (step, *rest)

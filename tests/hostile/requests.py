"""Requests as no client of good will sends them, each with what may be answered."""

from __future__ import annotations

import gzip
import json
import random

from tests.hostile.served import an_order
from tests.hostile.wire import head
from tests.journeys.goods import IMPORTER, OPS

SEED = 20260105
EVENTS = "/orders/v1/events"
JSON = "Content-Type: application/json"
CLOSE = "Connection: close"
MIB = 1024 * 1024


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + end


def posting(body: bytes, *lines: str, target: str = EVENTS, actor: str = IMPORTER) -> bytes:
    """A whole request that says how long it is."""
    length = f"Content-Length: {len(body)}"
    return head("POST", target, length, CLOSE, JSON, *lines, actor=actor) + body


ORDER = json.dumps(an_order("raw")).encode()
ASKING = head("GET", "/orders/v1/orders?limit=1", CLOSE, actor=OPS)

CHUNKS = head("POST", EVENTS, "Transfer-Encoding: chunked", JSON, actor=IMPORTER)
SHORT = head("POST", EVENTS, "Content-Length: 1000", JSON, actor=IMPORTER)

WHOLE: dict[str, tuple[bytes, set[int]]] = {
    "no http at all": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), {400}),
    "random bytes": (random.Random(SEED).randbytes(5000), {400}),
    "only line ends": (b"\r\n" * 5000, {408}),
    "an unknown method": (b"JICAI / HTTP/1.1\r\nHost: x\r\n\r\n", {400}),
    "an unknown version": (b"GET /livez HTTP/9.9\r\nHost: x\r\n\r\n", {400}),
    "nul in the target": (b"GET /livez\0x HTTP/1.1\r\nHost: x\r\n\r\n", {400}),
    "raw bytes in the target": (b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", {400}),
    "a tunnel": (b"CONNECT jicai:80 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", {400, 404, 405}),
    "everything": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", {400, 404, 405}),
    "another's address": (
        b"GET http://169.254.169.254/latest HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", {404},
    ),
    "a web socket": (
        head("GET", "/alerts/v1/stream", "Upgrade: websocket", "Connection: Upgrade",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"), {401, 404},
    ),
    "nul in a header": (b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Y: a\0b\r\n\r\n", {400}),
    "a header without a name": (b"GET /livez HTTP/1.1\r\n: x\r\n\r\n", {400}),
    "a folded header": (b"GET /livez HTTP/1.1\r\nHost: x\r\n y\r\nConnection: close\r\n\r\n", {200, 400}),
    "a header of a mebibyte": (head("GET", "/livez", "X-Y: " + "x" * MIB), {431}),
    "ten thousand headers": (head("GET", "/livez", *(f"X-{n}: {n}" for n in range(30_000))), {431}),
    "a target of a mebibyte": (head("GET", "/livez?" + "x" * MIB), {431}),
    "a query of 100 KB": (head("GET", "/orders/v1/orders?after=" + "x" * 100_000, CLOSE, actor=OPS), {400, 422}),
    "a query of 10,000 parameters": (
        head("GET", "/orders/v1/orders?" + "&".join(["limit=1"] * 5000), CLOSE, actor=OPS), {200, 422},
    ),
    "two lengths": (head("POST", EVENTS, "Content-Length: 5", "Content-Length: 6", JSON), {400}),
    "a length and chunks": (
        head("POST", EVENTS, "Content-Length: 5", "Transfer-Encoding: chunked", JSON) + chunked(b"[]"), {400},
    ),
    "a negative length": (head("POST", EVENTS, "Content-Length: -1", JSON), {400}),
    "a length in words": (head("POST", EVENTS, "Content-Length: ten", JSON), {400}),
    "a length beyond 64 bits": (head("POST", EVENTS, "Content-Length: " + "9" * 40, JSON), {400}),
    "a huge length": (head("POST", EVENTS, "Content-Length: 999999999999", JSON, CLOSE, actor=IMPORTER), {413}),
    "more than was said": (posting(b"[]") + b"GET /livez HTTP/1.1\r\n", {200}),
    "a broken chunk": (
        head("POST", EVENTS, "Transfer-Encoding: chunked", JSON, actor=IMPORTER) + b"zz\r\n", {400},
    ),
    "a chunk of 2^64": (
        head("POST", EVENTS, "Transfer-Encoding: chunked", JSON, actor=IMPORTER) + b"f" * 17 + b"\r\n", {400},
    ),
    "an encoding of encodings": (
        head("POST", EVENTS, "Transfer-Encoding: gzip, chunked", JSON, CLOSE, actor=IMPORTER)
        + chunked(b"[]"), {200, 400},
    ),
    "two signing keys": (
        head("GET", "/orders/v1/orders", "x-ca-key: a", "x-ca-key: b", "x-ca-timestamp: 1767574800",
             "x-ca-nonce: n", "x-ca-signature: 0", CLOSE), {401},
    ),
    "a signing key in another's clothes": (
        head("GET", "/orders/v1/orders", "x-ca_key: a", "X-CA-KEY : b", CLOSE), {400, 401},
    ),
    "two actors": (
        head("GET", "/orders/v1/orders", "X-Jicai-Actor: nobody", CLOSE, actor=OPS), {200, 401},
    ),
    "an actor in a trailer": (
        head("POST", EVENTS, "Transfer-Encoding: chunked", JSON, CLOSE)
        + chunked(b"[]", end=b"0\r\nX-Jicai-Actor: ops:360000\r\n\r\n"), {401},
    ),
    "a trailer of a mebibyte": (
        head("POST", EVENTS, "Transfer-Encoding: chunked", JSON, actor=IMPORTER)
        + chunked(b"[]", end=b"0\r\nX-Y: " + b"x" * MIB), {200, 400, 431},
    ),
    "gzip that is none": (posting(b"no gzip", "Content-Encoding: gzip"), {400}),
    "half of a gzip": (posting(gzip.compress(ORDER)[:40], "Content-Encoding: gzip"), {400}),
    "a gzip bomb": (posting(gzip.compress(bytes(300 * MIB), 6), "Content-Encoding: gzip"), {413}),
    "a bomb in a bomb": (
        posting(gzip.compress(gzip.compress(bytes(100 * MIB))), "Content-Encoding: gzip, gzip"), {415},
    ),
    "another compression": (posting(ORDER, "Content-Encoding: br"), {415}),
}  # fmt: skip

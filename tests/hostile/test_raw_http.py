"""Raw bytes at a serving process: broken, endless, slow, smuggled; it refuses, and goes on serving."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from shared.runtime.bodies import BODY_BYTES_MAX
from tests.hostile.requests import (
    ASKING,
    CHUNKS,
    CLOSE,
    EVENTS,
    JSON,
    MIB,
    ORDER,
    SEED,
    SHORT,
    WHOLE,
    chunked,
    posting,
)
from tests.hostile.served import Served, an_order, fill
from tests.hostile.texts import BODIES, VALUES, with_text
from tests.hostile.wire import Answer, converse, head
from tests.journeys.goods import IMPORTER, OPS, PUTS


@pytest.fixture(autouse=True)
def well_afterwards(served: Served) -> Iterator[None]:
    """Whatever was sent, the next one is served."""
    yield
    served.is_well()


@pytest.mark.parametrize("what", WHOLE)
async def test_what_is_no_good_request_is_refused(served: Served, what: str) -> None:
    sent, expected = WHOLE[what]
    told = await converse(served.address, [sent])
    assert told
    for answer in told:
        assert answer.status in expected, answer
        if answer.status >= 400:
            assert answer.problem["status"] == answer.status


async def _slowly(text: bytes, pause: float) -> AsyncIterator[bytes]:
    for place in range(len(text)):
        yield text[place : place + 1]
        await asyncio.sleep(pause)


async def _endless(top: bytes, piece: bytes) -> AsyncIterator[bytes]:
    yield top
    while True:
        yield piece


async def _dripping(top: bytes, piece: bytes) -> AsyncIterator[bytes]:
    yield top
    while True:
        yield piece
        await asyncio.sleep(0.2)


async def test_whoever_is_slow_or_never_ends_is_ended_and_told_so(served: Served) -> None:
    """All at once: slow heads, bodies that drip, stop or never end, and lines left open."""
    talks = {
        "a head byte by byte": (_slowly(ASKING, 0.5), {408}),
        "a head that stops": ([ASKING[:30]], {408}),
        "nothing at all": ([], set()),
        "a body that stops": ([SHORT + b"["], {408}),
        "a body that drips": (_dripping(SHORT, b" "), {408}),
        "a body that never begins": ([SHORT], {408}),
        "chunks that drip": (_dripping(CHUNKS, chunked(b" ", end=b"")), {408}),
        "chunks that never end": (_endless(CHUNKS, chunked(b" " * 65536, end=b"")), {413}),
        "chunks that nobody asked for": (
            _endless(CHUNKS.replace(EVENTS.encode(), b"/nowhere"),
                     chunked(b" " * 65536, end=b"")), {404},
        ),
        "extensions of chunks that never end": (_endless(CHUNKS + b"1;", b"x" * 65536), {400, 408, 431}),
        "a head that never ends": (_endless(ASKING[:-4] + b"\r\nX-Y: ", b"x" * 65536), {431}),
        "a request behind another that stops": ([ASKING.replace(CLOSE.encode(), b"A: b") + ASKING[:9]], {200, 408}),
    }  # fmt: skip
    told = await asyncio.gather(
        *(converse(served.address, pieces) for pieces, _ in talks.values()), return_exceptions=True
    )
    for (what, (_, expected)), answers in zip(talks.items(), told, strict=True):
        assert not isinstance(answers, BaseException), (what, repr(answers))
        # Who floods a line that is being cut may not see the answer; everybody else does.
        if answers or "never end" not in what:
            assert {answer.status for answer in answers} == expected & {
                answer.status for answer in answers
            }, (what, answers)
            assert bool(answers) == bool(expected), what


async def test_a_half_closed_line_is_answered_and_a_cut_one_harms_nobody(served: Served) -> None:
    told = await converse(served.address, [ASKING], half_close=True)
    assert [answer.status for answer in told] in ([200], [])
    for text in (ASKING, SHORT + b"[", CHUNKS, posting(ORDER)):
        for place in range(0, len(text), max(1, len(text) // 5)):
            _, writer = await asyncio.open_connection(*served.address)
            writer.write(text[:place])
            await writer.drain()
            writer.transport.abort()


async def test_pipelined_requests_are_answered_in_their_order(served: Served) -> None:
    one = head("GET", "/livez")
    other = head("GET", "/nowhere")
    sent = [one + other] * 200
    told = await converse(served.address, [b"".join(sent) + ASKING])
    assert [answer.status for answer in told] == [200, 404] * 200 + [200]


async def test_no_path_leads_out_of_the_paths(served: Served) -> None:
    """Dots, encoded slashes, NUL, overlong UTF-8, backslashes: 404 or 422, and no file of ours."""
    tricks = [
        "/..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/problems/..%2f..%2fsettings",
        "/orders/v1/orders/%00", "/orders/v1/orders/a%00b", "/orders/v1/orders/%ff%fe",
        "/orders/v1/orders/%c0%af..%c0%af", "/orders/v1/orders/%e0%80%af", "/orders/v1/orders/..",
        "/orders/v1/orders/../../../livez", "//orders//v1//orders", "/orders/v1/orders/",
        "/orders\\v1\\orders", "/orders/v1/orders/" + "%41" * 5000, "/orders/v1/orders/%",
        "/orders/v1/orders/%zz", "/orders/v1/orders/%u0041", "/orders/v1/orders;x=1",
        "/ORDERS/v1/orders", "/problems/%3Cscript%3Ealert(1)%3C%2Fscript%3E", "/docs/../docs",
        "/orders/v1/orders/\u202e", "/static/", "/openapi.json/..", "/.env", "/.git/config",
    ]  # fmt: skip
    random.Random(SEED).shuffle(tricks)
    for target in tricks:
        (told,) = await converse(served.address, [head("GET", target, CLOSE, actor=OPS)])
        assert told.status in (200, 307, 400, 404, 422), (target, told)
        assert b"root:" not in told.body, target
        if "html" in told.headers.get("content-type", ""):
            assert b"<script>alert" not in told.body, target
        elif told.status >= 400:
            assert told.problem["status"] == told.status


async def test_sixty_four_large_bodies_at_once_stay_within_bounds(served: Served) -> None:
    """4 MiB and 5 MiB of JSON, declared or in chunks, from 64 senders: answered, and memory bounded."""
    event = json.dumps(an_order("flood") | {"note": "x" * 200_000}).encode()
    fits = b"[" + b",".join([event] * 20) + b"]"
    over = fits + b" " * (5 * MIB - len(fits))
    odd = b"[" + b"[" * 100_000 + b"]" * 100_000 + b"]" + b" " * (3 * MIB)
    bodies = [posting(fits), posting(over), posting(odd)] + [
        head("POST", EVENTS, "Transfer-Encoding: chunked", JSON, CLOSE, actor=IMPORTER)
        + chunked(*(body[at : at + 65536] for at in range(0, len(body), 65536)))
        for body in (fits, over)
    ]
    assert len(fits) < BODY_BYTES_MAX < len(over)
    before = served.mebibytes()

    async def send(number: int) -> list[Answer]:
        text = bodies[number % len(bodies)]
        return await converse(
            served.address, (text[at : at + 65536] for at in range(0, len(text), 65536))
        )

    told = [answer for answers in await asyncio.gather(*map(send, range(64))) for answer in answers]
    statuses = {answer.status for answer in told}
    assert statuses <= {200, 207, 408, 413, 422, 503}, statuses
    assert statuses >= {413}
    assert statuses & {200, 207, 422}
    for answer in told:
        if answer.status == 503:
            assert (answer.problem["code"], answer.headers["retry-after"]) == ("busy", "1")
    # All of them held at once would be 270 MiB as they travel, and several times that as values.
    assert served.mebibytes("VmHWM") - before < 500, (before, served.mebibytes("VmHWM"))


async def test_the_bound_on_all_bodies_is_what_keeps_memory_down(served: Served) -> None:
    """Bodies that stop short of their end are held no longer than they are waited for, and not all."""
    stalled = posting(b"[" + b" " * (4 * MIB - 10))[:-5]

    async def stall() -> list[Answer]:
        return await converse(served.address, [stalled])

    before = served.mebibytes()
    told = [a for answers in await asyncio.gather(*(stall() for _ in range(64))) for a in answers]
    assert {answer.status for answer in told} == {408, 503}
    assert served.mebibytes() - before < 300


async def _answered(served: Served, requests: list[tuple[str, str, bytes]]) -> Counter[int]:
    """Send all, a few at a time, as one who may do much; what was answered."""
    told: Counter[int] = Counter()
    waiting = list(reversed(requests))
    headers = {"X-Jicai-Actor": "importer:360000/wu", "Content-Type": "application/json"}
    async with httpx2.AsyncClient(base_url=served.url, headers=headers, timeout=90) as client:

        async def send() -> None:
            while waiting:
                method, path, body = waiting.pop()
                answer = await client.request(method, path, content=body)
                told[answer.status_code] += 1
                assert answer.status_code < 500, (method, path, body[:200], answer.text)
                if answer.status_code >= 400:
                    kind = answer.headers["content-type"]
                    assert kind == "application/problem+json", (method, path, body[:200], kind)

        await asyncio.gather(*(send() for _ in range(4)))
    return told


async def test_no_text_whatever_upsets_a_door_that_takes_a_body(served: Served) -> None:
    """Every operation with a body, every strange text; most are refused, and none breaks anything."""
    with served.client() as client:
        paths = client.get("/openapi.json").json()["paths"]
    doors = [
        (method.upper(), re.sub(r"\{[^}]*\}", "X", path))
        for path, methods in paths.items()
        for method, about in methods.items()
        if method in ("post", "put") and "requestBody" in about
    ]
    assert len(doors) > 15
    told = await _answered(
        served, [(*door, body) for door in doors for body in BODIES.values() if len(body) < MIB]
    )
    assert told[400] > 100
    assert told[422] > 50
    assert not set(told) - {200, 201, 207, 400, 403, 404, 409, 413, 415, 422}


async def test_no_text_whatever_in_a_member_upsets_anything(served: Served) -> None:
    draw = random.Random(SEED)
    registers = [(f"/orders/v1/{path}", body) for path, body in PUTS]
    requests = []
    for text in VALUES.values():
        requests += [("POST", EVENTS, with_text([an_order("m")], text, draw)) for _ in range(4)]
        requests += [
            ("PUT", path, with_text(body, text, draw)) for path, body in draw.sample(registers, 2)
        ]
    told = await _answered(served, requests)
    assert told[422] > 100
    assert not set(told) - {200, 207, 400, 413, 422}
    # What the registers took of it is put right again for the tests behind this one.
    fill(served)


def _damaged(request: bytes, draw: random.Random) -> bytes:
    """A good request in which a few bytes were changed, taken away, added, or said twice."""
    for _ in range(draw.randint(1, 6)):
        place, length = draw.randrange(len(request)), draw.choice([1, 1, 2, 7, 40])
        before, piece, after = (
            request[:place],
            request[place : place + length],
            request[place + length :],
        )
        request = before + draw.choice([
            draw.randbytes(len(piece)), b"", piece * 2, piece + draw.choice([b"\r\n", b"\0", b" ", b":", b"\xff"]),
            piece.swapcase(), draw.choice([b"Content-Length: 7\r\n", b"Transfer-Encoding: chunked\r\n", b"%00"]),
        ]) + after  # fmt: skip
    return request


async def test_no_damage_to_a_good_request_upsets_anything(served: Served) -> None:
    draw = random.Random(int(os.environ.get("JICAI_FUZZ_SEED", SEED)))
    good = [ASKING, posting(ORDER), posting(gzip.compress(ORDER), "Content-Encoding: gzip"),
            CHUNKS + chunked(ORDER[:50], ORDER[50:]) + ASKING, ASKING + posting(b"[]")]  # fmt: skip
    rounds = 200 * max(1, int(os.environ.get("JICAI_FUZZ_EXAMPLES", "0")))
    waiting = [_damaged(draw.choice(good), draw) for _ in range(rounds)]
    told: Counter[int] = Counter()

    async def send() -> None:
        while waiting:
            text = waiting.pop()
            for answer in await converse(served.address, [text], half_close=draw.random() < 0.3):
                told[answer.status] += 1
                assert answer.status < 500 or answer.status == 503, (text, answer)

    await asyncio.gather(*(send() for _ in range(16)))
    assert told[400] > rounds / 10
    assert told[200] > 0

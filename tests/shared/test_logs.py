"""Logs that lead from a problem document to what happened: one trace id in both."""

from __future__ import annotations

import io
import json
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
import structlog
from fastapi import APIRouter

from shared.runtime import logs
from shared.runtime.room import Room
from shared.runtime.web import create_app
from shared.testing.postgres import open_room
from shared.testing.toys import noting

log = structlog.get_logger()
library = logging.getLogger("some.library")
doors = APIRouter()


@doors.get("/deep/{word}")
async def deep(word: str) -> dict[str, str]:
    """Writes lines in passing, in our way and in a library's."""
    log.warning("deep.line", word=word)
    library.warning("it says %s", word)
    return {"word": word}


@doors.get("/bug")
async def bug() -> None:
    raise RuntimeError("a bug")


Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What has been written so far, line by line."""
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    written = io.StringIO()
    logs.configure("INFO", stream=written)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)


@pytest_asyncio.fixture
async def client(database: str) -> AsyncIterator[httpx2.AsyncClient]:
    async def ready() -> dict[str, str]:
        return {}

    async with open_room(database, noting()) as room:
        app = create_app(_rooms(room), trust_actor_header=True, readiness=ready, extra=doors)
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://jicai") as client:
            yield client


def _rooms(room: Room) -> dict[str, Room]:
    return {room.service.name: room}


async def test_every_line_of_a_request_bears_the_callers_trace_id(
    client: httpx2.AsyncClient, lines: Lines
) -> None:
    trace = secrets.token_hex(16)
    parent = {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"}
    assert (await client.get("/deep/water", headers=parent)).status_code == 200
    ours, theirs, access = lines()
    assert (ours["event"], ours["word"], ours["trace_id"]) == ("deep.line", "water", trace)
    assert (theirs["event"], theirs["logger"]) == ("it says water", "some.library")
    assert theirs["trace_id"] == trace
    assert access["event"] == "http.request"
    assert {access[name] for name in ("method", "route", "status", "trace_id")} == {
        "GET", "/deep/{word}", 200, trace,
    }  # fmt: skip
    assert access["milliseconds"] >= 0


async def test_a_problem_document_and_its_log_lines_bear_the_same_trace_id(
    client: httpx2.AsyncClient, lines: Lines
) -> None:
    """A refusal is found by its access line; a bug also by the line that says what broke."""
    refused = (await client.get("/orders/v1/changes")).json()
    [line] = lines()
    assert (line["status"], line["trace_id"]) == (401, refused["trace_id"])

    broken = (await client.get("/bug")).json()
    told = lines()[1:]
    assert {line["event"] for line in told} >= {"http.request", "http.failed"}
    assert {line["trace_id"] for line in told if "trace_id" in line} == {broken["trace_id"]}
    failed = next(line for line in told if line["event"] == "http.failed")
    assert "RuntimeError: a bug" in failed["exception"]


async def test_two_requests_without_a_trace_get_two(
    client: httpx2.AsyncClient, lines: Lines
) -> None:
    for _ in range(2):
        await client.get("/deep/water")
    ids = [line["trace_id"] for line in lines() if line["event"] == "http.request"]
    assert len(set(ids)) == 2


async def test_machines_that_look_every_few_seconds_leave_no_line(
    client: httpx2.AsyncClient, lines: Lines
) -> None:
    for path in ("/livez", "/metrics"):
        assert (await client.get(path)).status_code == 200
    assert lines() == []


def test_a_client_without_its_broker_is_heard_once_and_others_every_time(lines: Lines) -> None:
    kafka = logging.getLogger("aiokafka.conn")
    for number in range(5):
        kafka.error("no connection to node %s", number)
        library.warning("something else %s", number)
    said = [line["event"] for line in lines()]
    assert said.count("no connection to node 0") == 1
    assert sum(line.startswith("no connection") for line in said) == 1
    assert sum(line.startswith("something else") for line in said) == 5

"""`jicai status`: one table over services, backlog and deadlines, and an exit code that tells."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from shared.store.embedded import running_dsn


@contextmanager
def serving(data: Path, service: str = "all") -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`jicai serve` over an embedded database; its address and its process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "jicai", "serve", service, "--port", "0"],
        stdout=subprocess.PIPE, text=True, env=environment(data),
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[1], process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        assert process.stdout is not None
        process.stdout.close()


def environment(data: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JICAI_")}
    return kept | {"JICAI_DATA": str(data), "PYTHONUNBUFFERED": "1", "COLUMNS": "160"}


def status(data: Path, *urls: str) -> tuple[int, str]:
    """Exit code and page."""
    asked = [word for url in urls for word in ("--url", url)]
    done = subprocess.run(
        [sys.executable, "-m", "jicai", "status", *asked],
        capture_output=True, text=True, env=environment(data), timeout=120,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("status")


async def test_all_is_well_while_all_four_serve_and_what_is_not_well_is_named(data: Path) -> None:
    with serving(data) as (url, _):
        code, page = _until_well(data, url)
        assert code == 0, page
        assert page.count("就绪 ready") == 4
        assert "一切正常" in page

        connection = await asyncpg.connect(running_dsn(data / "pg"))
        try:
            await connection.execute(
                """INSERT INTO alerts.parked (partition, topic, stream, version, source, event_id,
                       type, occurred_at, recorded_at, fact, reason)
                   VALUES ('orders', 'jicai.orders.v1', 'order-1', 1, '', '', '', now(), now(), '',
                           'broken')"""
            )
            await connection.execute(
                """INSERT INTO orders.streams (stream, version, state, next_due, first_position)
                   VALUES ('order-1', 1, '', now() + interval '3 days', 1)"""
            )
            code, page = status(data, url)
            assert code == 1, page
            assert "alerts: 搁置 1 键" in page
            assert "未到期限" in page
            assert "最早" in page
            await connection.execute(
                """INSERT INTO feedback.streams
                       (stream, version, state, first_position, bureau, ticket_state, level)
                   VALUES ('ticket-1', 1, '', 1, '360102', 'open', NULL),
                          ('ticket-2', 1, '', 1, '360100', 'promised', 'city'),
                          ('ticket-3', 1, '', 1, '360000', 'open', 'province'),
                          ('ticket-4', 1, '', 1, '360102', 'confirmed', 'county')"""
            )
            page = status(data, url)[1]
            assert "在办工单: 待回复 2, 已承诺 1; 其中督办 市级 1, 省级 1" in page
            await connection.execute("DELETE FROM alerts.parked")
            assert status(data, url)[0] == 0
        finally:
            await connection.close()


def test_with_one_service_up_the_others_are_said_to_be_down(data: Path) -> None:
    """The database is asked all the same: their backlog is shown."""
    with serving(data, "orders") as (url, _):
        code, page = status(data, url, "http://127.0.0.1:9")
        assert code == 1
        assert page.count("就绪 ready") == 1
        assert page.count("不通 down") == 3
        assert "alerts 未运行" in page
        assert "http://127.0.0.1:9 不通" in page
        assert "最早" in page, "the open deadline of orders"


def test_without_services_and_database_it_says_so(data: Path, tmp_path: Path) -> None:
    """Once with a data directory that has served before, once with none."""
    for place in (data, tmp_path / "nothing"):
        code, page = status(place, "http://127.0.0.1:9")
        assert code == 1
        assert page.count("不通 down") == 4
        assert "数据库" in page
    assert not (tmp_path / "nothing").exists(), "asking makes nothing"


def _until_well(data: Path, url: str) -> tuple[int, str]:
    """The first seconds after a start may have something to catch up with."""
    deadline = time.monotonic() + 30
    while True:
        code, page = status(data, url)
        if code == 0 or time.monotonic() > deadline:
            return code, page

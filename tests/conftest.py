"""What tests stand on: a sandbox in its own process, and rooms over a real PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from _pytest.terminal import TerminalReporter

from services.alerts.app import service as alerts
from services.orders.app import service as orders
from shared.runtime.room import Room
from shared.testing.broker import Broker, BrokerMissing, running_broker
from shared.testing.postgres import (
    fresh_database,
    open_room,
    remove_clusters,
    running_postgres,
)
from shared.testing.sandbox import Sandbox, running_sandbox


@pytest.fixture(scope="session", autouse=True)
def clusters_go_with_their_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Temporary directories are thrown away in time, but not what root's databases keep elsewhere."""
    yield
    remove_clusters(tmp_path_factory.getbasetemp())


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A fresh, empty sandbox at 2026-01-05T09:00+08:00."""
    with running_sandbox() as running:
        yield running


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """One server for the whole session; its superuser's DSN."""
    with running_postgres() as dsn:
        yield dsn


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """One Kafka broker for the whole session; tests that kill it start it again."""
    try:
        with running_broker() as found:
            yield found
    except BrokerMissing as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@pytest_asyncio.fixture
async def database(postgres: str) -> AsyncIterator[str]:
    """A fresh, empty database; its DSN."""
    async with fresh_database(postgres) as dsn:
        yield dsn


@pytest_asyncio.fixture
async def orders_room(database: str) -> AsyncIterator[Room]:
    """Orders over a fresh database, at 2026-01-05T09:00+08:00, with a clock that is moved by hand."""
    async with open_room(database, orders) as room:
        yield room


@pytest_asyncio.fixture
async def alerts_room(database: str) -> AsyncIterator[Room]:
    """Alerts over a fresh database, at the same instant."""
    async with open_room(database, alerts) as room:
        yield room


_ON_THE_LOG_BUS = {"sandbox", "market"}
"""Fixtures in which all four services run, on the log bus."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark by its fixtures which bus a test runs on."""
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        marked = {mark.name for mark in item.iter_markers()}
        if "broker" in names:
            item.add_marker("kafka")
        elif names & _ON_THE_LOG_BUS and "kafka" not in marked:
            item.add_marker("log_bus")


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """One line: how many tests ran on each bus, or why none ran on a broker."""
    ran = {"log_bus": 0, "kafka": 0}
    for outcome in ("passed", "failed", "xfailed", "xpassed"):
        for report in terminalreporter.stats.get(outcome, ()):
            for bus in ran:
                ran[bus] += bus in report.keywords
    skipped = [
        each for each in terminalreporter.stats.get("skipped", ()) if "kafka" in each.keywords
    ]
    line = f"buses: {ran['log_bus']} tests on the log bus, {ran['kafka']} on a broker"
    if skipped:
        line += f"; {len(skipped)} not run: {skipped[0].longrepr[2].removeprefix('Skipped: ')}"
    if skipped or any(ran.values()):
        terminalreporter.write_line(line)

"""Journeys are played on both buses, each module first on the log bus and then over a real broker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.testing.broker import Broker
from shared.testing.sandbox import running_sandbox, sandboxes_over
from tests.journeys.market import Market

BUSES = ("log", "kafka")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whatever starts a sandbox is played on each bus."""
    starts_one = hasattr(metafunc.module, "running_sandbox")
    if starts_one or {"sandbox", "market"} & set(metafunc.fixturenames):
        marks = {"log": pytest.mark.log_bus, "kafka": pytest.mark.kafka}
        # A long tale whose rooms are held on both buses elsewhere may name the bus that it is played on.
        chosen = getattr(metafunc.module, "PLAYED_ON", BUSES)
        marked = [pytest.param(name, marks=marks[name]) for name in chosen]
        metafunc.parametrize("bus", marked, indirect=True, scope="module")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of many seeds a module may name those that are played over a broker: there each takes longer."""
    left_out = [item for item in items if _is_spared(item)]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def _is_spared(item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)
    seeds = getattr(getattr(item, "module", None), "SEEDS_OVER_A_BROKER", None)
    if callspec is None or seeds is None or callspec.params.get("bus") != "kafka":
        return False
    return callspec.params.get("seed", seeds[0]) not in seeds


@pytest.fixture(scope="module", autouse=True)
def bus(request: pytest.FixtureRequest) -> Iterator[str]:
    """The bus of every sandbox of this module."""
    name = getattr(request, "param", "log")
    broker: Broker | None = request.getfixturevalue("broker") if name == "kafka" else None
    with sandboxes_over(broker.bootstrap if broker else None):
        yield name


@pytest.fixture(scope="module")
def market(bus: str) -> Iterator[Market]:
    """A sandbox at 2026-01-05T09:00+08:00 with the market's reference data.

    A filled market for each module: its tests use orders of their own and do not meet.
    """
    with running_sandbox() as sandbox:
        yield Market(sandbox)

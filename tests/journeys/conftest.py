"""A filled market for each module: its tests use orders of their own and do not meet."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.testing.sandbox import running_sandbox
from tests.journeys.market import Market


@pytest.fixture(scope="module")
def market() -> Iterator[Market]:
    """A sandbox at 2026-01-05T09:00+08:00 with the market's reference data."""
    with running_sandbox() as sandbox:
        yield Market(sandbox)

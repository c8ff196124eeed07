"""What tests stand on: a sandbox in its own process, and rooms over a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.testing.sandbox import Sandbox, running_sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A fresh, empty sandbox at 2026-01-05T09:00+08:00."""
    with running_sandbox() as running:
        yield running


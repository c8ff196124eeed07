"""The sample clients, and one installation that they all speak to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clients.languages import Language, language, missing
from tests.clients.serving import Serving


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """`jicai serve all` with the small market registered."""
    running = Serving(tmp_path_factory.mktemp("serving"))
    try:
        running.fill()
        yield running
    finally:
        running.stop()


@pytest.fixture(params=["python", "java", "shell"], scope="module")
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Language:
    """Each sample client in turn; skipped, with the reason, where the machine lacks its language."""
    if reason := missing(request.param):
        pytest.skip(reason)
    return language(request.param, tmp_path_factory.mktemp("compiled"))

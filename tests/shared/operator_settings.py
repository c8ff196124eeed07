"""Settings as an operator writes them, in the environment; those of the machine are put away."""

from __future__ import annotations

import os
from collections.abc import Mapping

import pytest

from shared.runtime.settings import Settings


def kafka_settings(monkeypatch: pytest.MonkeyPatch, written: Mapping[str, str]) -> Settings:
    """`JICAI_KAFKA_*` are these and no others."""
    for name in [name for name in os.environ if name.startswith("JICAI_KAFKA_")]:
        monkeypatch.delenv(name)
    for name, value in written.items():
        monkeypatch.setenv(f"JICAI_KAFKA_{name}", value)
    return Settings(_env_file=None)

"""`jicai import` at a real installation: it signs with the key of its environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.serving import Serving

EXCERPT = Path(__file__).resolve().parents[1] / "data" / "scms_excerpt.csv"


@pytest.mark.parametrize("algorithm", ["sm3", "sha256"])
def test_history_is_imported_by_a_key(serving: Serving, algorithm: str) -> None:
    made = serving.key("importer:360000", algorithm)
    command = [sys.executable, "-m", "jicai", "import", str(EXCERPT), "--mapping", "scms"]
    command += ["--url", serving.url]
    unsigned = subprocess.run(
        command, env=serving.environment, capture_output=True, text=True, timeout=120
    )
    assert unsigned.returncode == 2
    assert "actor_header_refused" in unsigned.stdout
    signing = {
        "JICAI_KEY": made["key"],
        "JICAI_SECRET": made["secret"],
        "JICAI_ALGORITHM": algorithm,
    }
    signed = subprocess.run(
        command, env=serving.environment | signing, capture_output=True, text=True, timeout=120
    )
    assert signed.returncode == 0, signed.stdout

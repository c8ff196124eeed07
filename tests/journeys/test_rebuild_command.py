"""`jicai rebuild` while a province lives: every figure stays what a brute-force reading makes of it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import timedelta
from itertools import cycle
from pathlib import Path

import pytest

from shared.testing.sandbox import running_sandbox
from tests.journeys.playing import compare_evidence, compare_figures, play_both
from tests.oracle.complaining import complaining
from tests.oracle.figures import Question
from tests.oracle.histories import history
from tests.oracle.wire import SHANGHAI

SERVICES = ("alerts", "feedback", "settlement")


def rebuild(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command beside whatever runs over this data directory."""
    return subprocess.run(
        [sys.executable, "-m", "jicai", "rebuild", *words],
        capture_output=True, text=True, timeout=120, env={**os.environ, "JICAI_DATA": str(data)},
    )  # fmt: skip


@pytest.mark.timeout(400)
def test_read_models_are_rebuilt_while_orders_and_tickets_go_on(tmp_path: Path) -> None:
    told = complaining(history(3, orders=24, days=14), crowded=False, others=8)
    said: list[str] = []
    wrong: list[subprocess.CompletedProcess[str]] = []
    over = threading.Event()

    def keep_rebuilding() -> None:
        for service in cycle(SERVICES):
            done = rebuild(tmp_path, service)
            said.append(done.stdout)
            if done.returncode != 0:
                wrong.append(done)
            if wrong or (over.is_set() and len(said) >= len(SERVICES)):
                return

    with running_sandbox(now=told.start.isoformat(), data=tmp_path) as sandbox:
        rebuilding = threading.Thread(target=keep_rebuilding)
        rebuilding.start()
        try:
            model, now, players = play_both(sandbox, told)
            later = now + timedelta(days=12)
            sandbox.move(later.isoformat())
        finally:
            over.set()
            rebuilding.join()
        assert wrong == []
        model.advance(later)
        as_of = (later - timedelta(days=1)).astimezone(SHANGHAI).date()
        for subject in ("distributor", "product", "total"):
            question = Question(subject=subject, window="90d", as_of=as_of)
            compare_figures(players, model, question)
        compare_evidence(players, model, Question("total", id="total", window="90d", as_of=as_of))
        for service in SERVICES:
            checked = rebuild(tmp_path, service, "--check")
            assert checked.returncode == 0, checked.stdout
            assert "未切换" in checked.stdout
    assert all("已切换" in one for one in said)


def test_what_has_no_read_model_is_refused_in_words(tmp_path: Path) -> None:
    done = rebuild(tmp_path, "orders")
    assert done.returncode == 2
    assert "没有可重建的读模型" in done.stderr


def test_a_database_that_is_away_is_said_in_a_sentence(tmp_path: Path) -> None:
    environment = {**os.environ, "JICAI_DATABASE_URL": f"postgresql://nobody@/none?host={tmp_path}"}
    done = subprocess.run(
        [sys.executable, "-m", "jicai", "rebuild", "alerts"],
        capture_output=True, text=True, timeout=120, env=environment,
    )  # fmt: skip
    assert done.returncode == 2
    assert "数据库不可用" in done.stderr
    assert "Traceback" not in done.stderr

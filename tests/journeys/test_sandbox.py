"""The sandbox itself (section 11): its first line, its clock, what it leaves behind, what it keeps."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from shared.testing.sandbox import running_sandbox
from tests.chaos.killing import alive, children, wait_until
from tests.journeys.goods import HOSPITAL, OPS
from tests.journeys.market import Market

COMMAND = [sys.executable, "-m", "jicai", "sandbox", "--port", "0"]
CLOCK = "/sandbox/v1/clock"


def left_over() -> set[str]:
    """Our temporary places."""
    return {str(p) for p in Path("/tmp").glob("jicai-*")}


def test_it_prints_one_line_and_leaves_nothing_behind():
    process = subprocess.Popen(
        [*COMMAND, "--now", "2026-01-05T09:00:00+08:00"], stdout=subprocess.PIPE, text=True
    )
    before = left_over()
    assert process.stdout is not None
    line = process.stdout.readline()
    assert re.fullmatch(r"ready http://127\.0\.0\.1:\d+\n", line)
    [postmaster] = children(process.pid)
    servers = [postmaster, *children(postmaster)]
    mine = [p for p in left_over() | before if Path(p, "pg", "lock").exists()
            and Path(p, "pg", "lock").read_text().strip() == str(process.pid)]  # fmt: skip
    assert len(mine) == 1
    process.terminate()
    assert process.wait(20) == 0
    assert process.stdout.read() == ""
    process.stdout.close()
    assert not any(alive(pid) for pid in servers)
    assert not Path(mine[0]).exists()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_requests_in_hand_are_answered_before_it_goes(sign):
    with running_sandbox() as sandbox:
        market = Market(sandbox)
        last = market[OPS].get("/orders/v1/changes", params={"limit": 1000}).json()["next"]
        events = [market.tale().placing(time="2026-01-05T09:00:00+08:00") for _ in range(900)]
        polling = threading.Thread(
            target=lambda: market[OPS].get(
                "/orders/v1/changes", params={"after": last, "limit": 1, "wait": 30}
            )
        )
        answers = []
        posting = threading.Thread(target=lambda: answers.append(market.post(HOSPITAL, *events)))
        polling.start()
        posting.start()
        polling.join()
        # Its facts are committed: the answer is on its way, or will be.
        os.kill(sandbox.process.pid, sign)
        posting.join()
        assert answers[0].status_code == 200
        assert sandbox.process.wait(20) == 0


def test_it_starts_empty(market):
    with running_sandbox() as sandbox, sandbox.client(OPS) as client:
        for path in ("orders/v1/orders", "orders/v1/changes", "orders/v1/organisations",
                     "alerts/v1/changes", "feedback/v1/tickets", "settlement/v1/accruals"):  # fmt: skip
            assert client.get(f"/{path}").json()["items"] == []


def test_the_clock_stands_and_moves_when_told():
    with running_sandbox(now="2026-01-05T09:00:00+08:00") as sandbox, sandbox.client() as client:
        assert client.get(CLOCK).json() == {"now": "2026-01-05T09:00:00+08:00"}
        for said, meant in (
            ("2026-01-05T09:00:00+08:00", "2026-01-05T09:00:00+08:00"),
            ("2026-01-05T01:00:00.5Z", "2026-01-05T09:00:00.5+08:00"),
            ("2026-01-05 23:59:59", "2026-01-05T23:59:59+08:00"),
            ("2026-01-06T00:00:00+08:00", "2026-01-06T00:00:00+08:00"),
        ):
            assert client.post(CLOCK, json={"now": said}).json() == {"now": meant}
            assert client.get(CLOCK).json() == {"now": meant}
        back = client.post(CLOCK, json={"now": "2026-01-05T23:59:59+08:00"})
        assert back.status_code == 409
        assert back.headers["content-type"] == "application/problem+json"
        for bad in ("2026-01-06", "", "tomorrow", 7, None):
            assert client.post(CLOCK, json={"now": bad}).status_code == 422
        headers = {"Content-Type": "application/json"}
        assert client.post(CLOCK, content=b"{", headers=headers).status_code == 400
        assert client.post(CLOCK, json={}).status_code == 422
        assert client.get(CLOCK).json() == {"now": "2026-01-06T00:00:00+08:00"}
        assert client.post("/sandbox/v1/settle").status_code == 200


def test_a_step_with_nothing_due_is_quick():
    """Measured against questions in between, for they are as slow as the machine is busy."""
    with running_sandbox() as sandbox, sandbox.client() as client:
        Market(sandbox).placed()
        steps, questions = [], []
        for minute in range(1, 41):
            began = time.monotonic()
            client.get(CLOCK)
            asked = time.monotonic()
            client.post(CLOCK, json={"now": f"2026-01-05T09:{minute:02d}:00+08:00"})
            questions.append(asked - began)
            steps.append(time.monotonic() - asked)
        assert sorted(steps)[20] < 30 * sorted(questions)[20]


def test_what_is_due_at_an_instant_has_happened_when_the_clock_reaches_it():
    with running_sandbox() as sandbox:
        tale = Market(sandbox).placed()
        sandbox.move("2026-02-01T00:00:00+08:00")
        [_, void] = tale.view()["history"]
        assert void["type"] == "jicai.order.line_voided.v1"
        assert void["recorded_at"] == void["occurred_at"] == "2026-01-12T09:00:00+08:00"


def test_a_restart_over_the_same_data_goes_on_where_it_stopped(tmp_path):
    data = tmp_path / "province"
    with running_sandbox(data=data) as sandbox:
        market = Market(sandbox)
        tale, other = market.placed(), market.placed()
        assert tale.answer()["status"] == "accepted"
        sandbox.move("2026-01-07T10:00:00+08:00")
        orders = [t.view() for t in (tale, other)]
        feed = market[OPS].get("/orders/v1/changes", params={"limit": 1000}).json()
        pids = children(sandbox.process.pid)
    assert not any(alive(pid) for pid in pids)
    with running_sandbox(now="2025-01-01T00:00:00+08:00", data=data) as sandbox:
        again = Market(sandbox, fill=False)
        assert again.now == "2026-01-07T10:00:00+08:00"
        tale.market = other.market = again
        assert [t.view() for t in (tale, other)] == orders
        assert again[OPS].get("/orders/v1/changes", params={"limit": 1000}).json() == feed
        after = {"after": feed["next"]}
        assert again[OPS].get("/orders/v1/changes", params=after).json()["items"] == []
        assert tale.dispatch()["status"] == "accepted"
        sandbox.move("2026-01-12T09:00:00+08:00")
        assert [t.view()["lines"][0]["state"] for t in (tale, other)] == ["dispatched", "void"]


def test_two_sandboxes_do_not_share_a_data_directory(tmp_path):
    with running_sandbox(data=tmp_path / "one"):
        second = subprocess.run(
            [*COMMAND, "--now", "2026-01-05T09:00:00+08:00", "--data", str(tmp_path / "one")],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert second.returncode != 0
        assert "ready" not in second.stdout


def test_killed_it_leaves_no_postgresql_running(tmp_path):
    with running_sandbox(data=tmp_path / "d") as sandbox:
        [postmaster] = children(sandbox.process.pid)
        sandbox.kill()
        wait_until(lambda: not alive(postmaster))

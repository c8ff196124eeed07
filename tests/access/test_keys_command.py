"""`jicai keys`: made, listed and revoked beside a running service and without one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.store.embedded import EmbeddedPostgres

HOSPITAL = "hospital:H36010200001"


def keys(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `jicai keys` as an operator does."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("JICAI_")}
    return subprocess.run(
        [sys.executable, "-m", "jicai", "keys", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env=kept | environment,
    )


def told(answer: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """The `name: value` lines of `keys add`."""
    assert answer.returncode == 0, answer.stderr
    lines = [line.partition(": ") for line in answer.stdout.splitlines()]
    return {name: value for name, _, value in lines}


def test_a_key_is_shown_once_listed_without_its_secret_and_revoked(tmp_path: Path) -> None:
    """Over an embedded database that nobody runs, then beside the one who runs it."""
    place = {"JICAI_DATA": str(tmp_path)}
    first = told(keys("add", HOSPITAL, **place))
    assert first["algorithm"] == "sm3"
    with EmbeddedPostgres(tmp_path / "pg"):
        second = told(keys("add", f"{HOSPITAL}/zhang", "--sha256", **place))
        assert second["algorithm"] == "sha256"
        gone = keys("revoke", first["key"], **place)
        assert gone.returncode == 0
        assert gone.stdout.startswith("已吊销")
    listed = keys("list", **place).stdout
    rows = [line for line in listed.splitlines() if "jk" in line]
    assert [k["key"] in row for k, row in zip((first, second), rows, strict=True)] == [True] * 2
    assert "有效" not in rows[0]
    assert "有效" in rows[1]
    assert "zhang" in rows[1]
    for made in (first, second):
        assert made["secret"] not in listed


def test_a_third_live_key_is_remarked_upon(database: str) -> None:
    place = {"JICAI_DATABASE_URL": database}
    behind = keys("add", HOSPITAL, **place)
    assert behind.returncode == 3
    assert "jicai migrate" in behind.stderr
    migrated = subprocess.run(
        [sys.executable, "-m", "jicai", "migrate"], env=os.environ | place, timeout=120, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    assert "access: shared.store.access/0001_access.sql" in migrated.stdout
    said = [keys("add", HOSPITAL, **place).stderr for _ in range(3)]
    assert said[:2] == ["", ""]
    assert "吊销" in said[2]


@pytest.mark.parametrize("actor", ["hospital:1", "nobody", "bureau:360000/", "ops:360100"])
def test_an_actor_that_cannot_be_gets_no_key(tmp_path: Path, actor: str) -> None:
    answer = keys("add", actor, JICAI_DATA=str(tmp_path))
    assert answer.returncode == 2
    assert not (tmp_path / "pg").exists()


def test_an_unknown_key_cannot_be_revoked(tmp_path: Path) -> None:
    answer = keys("revoke", "jk0", JICAI_DATA=str(tmp_path))
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "没有密钥" in answer.stderr

"""`jicai serve` over a database of its own, as an attacker meets it: a port, a process, its memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.journeys.goods import IMPORTER, OPS, PUTS, D, H, line

ROOT = Path(__file__).resolve().parents[2]


@dataclass(slots=True)
class Served:
    """One serving process."""

    url: str
    process: subprocess.Popen[str]
    dsn: str

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.url.removeprefix("http://").partition(":")
        return host, int(port)

    def client(self, actor: str = OPS, **more: Any) -> httpx2.Client:
        """Speaks as this actor where the header is trusted."""
        headers = {"X-Jicai-Actor": actor}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=120, **more)

    def mebibytes(self, what: str = "VmRSS") -> float:
        """Its memory: VmRSS now, VmHWM the most it ever had."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text("utf-8").splitlines()
        return next(int(text.split()[1]) / 1024 for text in lines if text.startswith(what))

    def is_well(self) -> None:
        """It lives, is ready, and takes an order."""
        assert self.process.poll() is None
        with self.client(IMPORTER) as client:
            assert client.get("/livez").status_code == 200
            answer = client.post("/orders/v1/events", json=[an_order()])
            assert answer.json()["results"][0]["status"] == "accepted", answer.text


def an_order(number: str | None = None, time: str = "2026-01-05T09:00:00+08:00") -> dict[str, Any]:
    """A good event of a hospital, with ids of its own."""
    number = number or os.urandom(8).hex()
    return {
        "specversion": "1.0",
        "id": number,
        "source": f"urn:jicai:{H}",
        "type": "jicai.order.placed.v1",
        "time": time,
        "data": {
            "order_id": f"{H}-{number}",
            "hospital_id": H,
            "distributor_id": D,
            "lines": [line()],
        },
    }


def run(*arguments: str, environment: dict[str, str]) -> str:
    """A `jicai` command that ends; what it said."""
    command = [sys.executable, "-m", "jicai", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=240, env=environment, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def environment(dsn: str, **settings: object) -> dict[str, str]:
    """What an operator would set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JICAI_")}
    ours = {f"JICAI_{name.upper()}": str(value) for name, value in settings.items()}
    return kept | ours | {"JICAI_DATABASE_URL": dsn, "PYTHONUNBUFFERED": "1"}


@contextmanager
def serving(dsn: str, service: str = "all", **settings: object) -> Iterator[Served]:
    """Serve over a migrated database until left; its log goes nowhere."""
    process = subprocess.Popen(
        [sys.executable, "-m", "jicai", "serve", service, "--port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
        env=environment(dsn, **settings),
    )  # fmt: skip
    assert process.stdout is not None
    with ExitStack() as stack:
        stack.callback(process.stdout.close)
        stack.callback(_end, process)
        said = process.stdout.readline()
        assert said.startswith("ready http://"), f"the service said {said!r}"
        yield Served(said.split()[1], process, dsn)


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


def migrate(dsn: str) -> None:
    """Make the schemas."""
    run("migrate", environment=environment(dsn))


def fill(served: Served) -> None:
    """Register the small market, where the header is trusted."""
    with served.client(IMPORTER) as client:
        for path, body in PUTS:
            answer = client.put(f"/orders/v1/{path}", json=body)
            assert answer.status_code == 200, answer.text

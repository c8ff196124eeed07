"""`jicai serve all` over an embedded database, with keys: what an integrator's program meets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx2

from tests.access.signer import Signer
from tests.journeys.goods import HOSPITAL, IMPORTER, PUTS
from tests.journeys.losing import Proxy, read_message


class Serving:
    """The services in one process; killed and started again over the same data."""

    def __init__(self, data: Path) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("JICAI_")}
        self.environment = {**kept, "JICAI_DATA": str(data), "PYTHONUNBUFFERED": "1"}
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jicai", "serve", "all", "--port", "0"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=self.environment,
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("ready http://"), f"the service said {line!r}"
        self.url = line.split()[1]

    def kill(self) -> None:
        """`kill -9`; its PostgreSQL goes with it."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def key(self, actor: str, algorithm: str) -> dict[str, str]:
        """A key made by `jicai keys add` beside the running service."""
        command = [sys.executable, "-m", "jicai", "keys", "add", actor]
        told = subprocess.run(
            command + (["--sha256"] if algorithm == "sha256" else []),
            capture_output=True, text=True, check=True, timeout=120, env=self.environment,
        ).stdout  # fmt: skip
        return {n: v for n, _, v in (line.partition(": ") for line in told.splitlines())}

    def fill(self) -> None:
        """Register the small market, signed."""
        made = self.key(IMPORTER, "sm3")
        with httpx2.Client(base_url=self.url, auth=Signer(made["key"], made["secret"])) as client:
            for path, body in PUTS:
                client.put(f"/orders/v1/{path}", json=body).raise_for_status()


class Interrupting(Proxy):
    """Passes requests on, and at the n-th kills the client when the server has answered it."""

    def __init__(self, upstream: str, at: int) -> None:
        self._left = at
        self.victim: subprocess.Popen[bytes] | None = None
        self.answered = b""
        super().__init__(upstream, seed=0, fair=1)

    def _serve(self, client, fate, share):
        import socket

        with client:
            request = read_message(client)
            with socket.create_connection(self._upstream) as server:
                server.sendall(request)
                answer = read_message(server)
            self._left -= 1
            if self._left == 0 and self.victim is not None:
                self.answered = answer
                self.victim.kill()
            else:
                client.sendall(answer)


__all__ = ["HOSPITAL", "Interrupting", "Serving"]

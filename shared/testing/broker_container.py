"""A broker in a container, where a Docker engine listens on this machine."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from shared.testing.broker_jars import POM, BrokerMissing
from shared.testing.broker_process import SETTINGS, BrokerDidNotStart, free_port
from shared.testing.broker_talk import answers

_START_SECONDS = 120


def container_broker(properties: Mapping[str, str]) -> ContainerBroker | None:
    """A broker in a container, or nothing where no Docker engine starts one.

    The command line alone is no engine, and an engine may have no way to the image.
    """
    try:
        import docker
        from docker.errors import DockerException
    except ImportError:
        return None
    try:
        docker.from_env(timeout=5).ping()
        return ContainerBroker(properties)
    except DockerException:
        return None


class ContainerBroker:
    """The image of docker-compose.yml, on a port that survives its restarts."""

    can_be_killed = True

    def __init__(self, properties: Mapping[str, str]) -> None:
        from testcontainers.core.container import DockerContainer

        port = free_port()
        self.bootstrap = f"127.0.0.1:{port}"
        settings = {
            **SETTINGS,
            "controller.quorum.voters": "1@localhost:9093",
            "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "log.dirs": "/tmp/kraft-combined-logs",  # noqa: S108 - inside the container
            **properties,
        }
        container = DockerContainer(f"apache/kafka:{_version()}")
        for name, value in settings.items():
            container.with_env(f"KAFKA_{name.upper().replace('.', '_')}", value)
        self._container = container.with_bind_ports(9092, port)
        self._container.start()
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not answers(self.bootstrap):
            if time.monotonic() > deadline:
                said = self._docker().logs(tail=40).decode("utf-8", "replace")
                self.remove()
                raise BrokerDidNotStart(said)
            time.sleep(0.1)

    def _docker(self) -> Any:
        return self._container.get_wrapped_container()

    def start(self) -> None:
        """Start on the same data and port, and wait until it answers."""
        self._docker().start()
        self._wait()

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, nobody is told."""
        self._docker().kill("SIGKILL")

    def stop(self) -> None:
        """Freeze it: it holds its connections and answers nobody."""
        self._docker().pause()

    def resume(self) -> None:
        """Thaw it."""
        self._docker().unpause()

    def remove(self) -> None:
        """End it and delete its data."""
        self._container.stop(force=True)


def _version() -> str:
    found = re.search(r"<artifactId>kafka_2.13</artifactId>\s*<version>([\w.]+)<", POM.read_text())
    if found is None:
        raise BrokerMissing
    return found.group(1)

"""A real Kafka broker for tests: given, in a container, or a process of our own (测试用消息代理)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from shared.testing.broker_container import container_broker
from shared.testing.broker_jars import BrokerMissing
from shared.testing.broker_process import SMALL, Heap, ProcessBroker
from shared.testing.broker_talk import answers

__all__ = ["Broker", "BrokerMissing", "running_broker"]


class Broker(Protocol):
    """A running broker, and what a test may do to it."""

    bootstrap: str
    """`host:port`"""
    can_be_killed: bool
    """A given broker is others' too: it can neither be killed nor stopped."""

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, nobody is told."""

    def start(self) -> None:
        """Start again on the same data and port; returns when it serves."""

    def stop(self) -> None:
        """SIGSTOP: it holds its connections and answers nobody."""

    def resume(self) -> None:
        """SIGCONT."""

    def remove(self) -> None:
        """End it and delete its data."""


class GivenBroker:
    """The broker of JICAI_KAFKA_BOOTSTRAP: it is not ours to kill."""

    can_be_killed = False

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        if not any(answers(each.strip(), seconds=5) for each in bootstrap.split(",")):
            raise BrokerMissing(f"nothing serves at JICAI_KAFKA_BOOTSTRAP={bootstrap}")

    def _not_ours(self) -> None:
        raise RuntimeError("the broker of JICAI_KAFKA_BOOTSTRAP is not ours to kill or stop")

    kill = start = stop = resume = _not_ours

    def remove(self) -> None:
        """Nothing: it was there before us."""


@contextmanager
def running_broker(properties: Mapping[str, str] = {}, *, heap: Heap = SMALL) -> Iterator[Broker]:
    """A broker, gone afterwards; `properties` override the fast settings of one that we start,
    `heap` is that of a process of ours.

    Raises BrokerMissing where there is none and none can be started.
    """
    broker = _find(properties, heap)
    try:
        yield broker
    finally:
        broker.remove()


def _find(properties: Mapping[str, str], heap: Heap) -> Broker:
    given = os.environ.get("JICAI_KAFKA_BOOTSTRAP")
    if given:
        return GivenBroker(given)
    return container_broker(properties) or ProcessBroker(properties, heap=heap)

"""The toy hearer as a process of its own over the broker; it may halt with a batch in hand.

Run as a program. It says `in hand` between the reading of the fact `halt` and the transaction that
takes it; `unfenced` moves checkpoints without looking whose they are.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from shared.bus.kafka import KafkaAddress, KafkaBus
from shared.bus.port import Delivery
from shared.events.topics import DELIVERIES, ORDERS
from shared.runtime import taking
from shared.runtime.consumer import Consumer
from shared.testing.postgres import open_room
from shared.testing.toys import hearing
from tests.chaos.halting import Child, child, halt

HEARER = hearing((ORDERS, DELIVERIES))


class Halting:
    """A subscription that halts when it first hands out the fact `halt`."""

    def __init__(self, subscription: Any) -> None:
        self._subscription = subscription
        self._has_halted = False

    async def read(self, partition: str, cursor: str, limit: int) -> Delivery:
        delivery: Delivery = await self._subscription.read(partition, cursor, limit)
        if not self._has_halted and any(one.event_id == "halt" for one in delivery.records):
            self._has_halted = True
            halt("in hand")
        return delivery

    def __getattr__(self, name: str) -> Any:
        return getattr(self._subscription, name)


async def unfenced(tx: Any, group: str, moves: Sequence[Any]) -> None:
    """Whose checkpoint it is does not matter."""
    for move in moves:
        await tx.execute(
            "UPDATE checkpoints SET cursor = $3 WHERE group_name = $1 AND partition = $2",
            group,
            move.partition,
            move.new,
        )


def listener(
    dsn: str, address: KafkaAddress, *, kind: str = "quiet"
) -> AbstractContextManager[Child]:
    """The program below: `quiet`, `halting`, or halting and `unfenced`."""
    place = (address.bootstrap, address.topic_prefix, str(address.partitions))
    return child("tests.chaos.listening", dsn, *place, kind)


async def _main(dsn: str, bootstrap: str, prefix: str, partitions: str, kind: str) -> None:
    address = KafkaAddress(
        bootstrap=bootstrap,
        topic_prefix=prefix,
        group_prefix=prefix,
        partitions=int(partitions),
        session_timeout_ms=6000,
    )
    if kind == "unfenced":
        taking.advance_all = unfenced
    async with open_room(dsn, HEARER) as room:
        subscription: Any = KafkaBus(address).subscribe("alerts", HEARER.topics)
        consumer = Consumer(room, subscription if kind == "quiet" else Halting(subscription))
        while True:
            if await consumer.step():
                print("taken", flush=True)
            else:
                await subscription.wait(0.2)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))

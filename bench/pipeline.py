"""From the door to the scorecard: two programs of ours, or two by hand, over a broker or a log.

Whether everything has arrived is told by an expectation counted beside; when it had, by the commit
instants that the database keeps of the rows. So neither side is slowed or favoured by being watched.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bench.counting import Sums, changes
from bench.hand_door import PARTITIONS, TOPIC
from bench.hand_events import Lines, decode, tell
from bench.machine import Machine, Program
from bench.pairs import Run
from bench.prepared import TEMPLATE, serve
from bench.sender import Lane

OUR_SUMS = """
SELECT distributor_id, day, sum(a)::bigint, sum(b)::bigint, sum(c)::bigint, sum(d)::bigint FROM (
  SELECT distributor_id, response_day AS day, answer_counted::int AS a, accepted::int AS b,
         0 AS c, 0 AS d FROM alerts.lines
  UNION ALL
  SELECT distributor_id, delivery_day, 0, 0, delivery_counted::int, on_time::int FROM alerts.lines
) AS counted WHERE distributor_id IS NOT NULL GROUP BY 1, 2 HAVING sum(a + c) > 0 ORDER BY 1, 2"""
HAND_SUMS = "SELECT * FROM sums WHERE answers + deliveries > 0 ORDER BY 1, 2"

Total = list[tuple[Any, ...]]
_split = msgspec.json.Decoder(list[msgspec.Raw]).decode


class NotThere(Exception):
    """What was sent did not come out as it should within a minute."""


@dataclass(slots=True)
class Expected:
    """What the sums must be: the load, told in this process."""

    _orders: dict[str, Lines] = field(default_factory=lambda: defaultdict(dict))
    _sums: Sums = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0, 0]))

    def add(self, events: Iterable[bytes]) -> None:
        """Tell these too."""
        for raw in events:
            event = decode(raw)
            lines = self._orders[event.data.order_id]
            before = {id(line): line.counts() for line in lines.values()}
            touched = tell(lines, event)
            befores = [before.get(id(line), (0, 0, 0, 0)) for line in touched]
            for key, values in changes(befores, touched).items():
                self._sums[key] = [a + b for a, b in zip(self._sums[key], values, strict=True)]

    def add_requests(self, path: str) -> None:
        """Tell what stands in a file of requests."""
        for lane in msgspec.msgpack.decode(Path(path).read_bytes(), type=list[Lane]):
            for _, request in lane:
                self.add(map(bytes, _split(request.partition(b"\r\n\r\n")[2])))

    @property
    def total(self) -> Total:
        """As the queries give it."""
        return [(*key, *values) for key, values in sorted(self._sums.items()) if any(values[::2])]


@dataclass(slots=True)
class Pipeline:
    """One side: its programs, the door first, and where its results stand."""

    machine: Machine
    dsn: str
    programs: list[Program]
    sums: str
    lines: str
    places: str

    @property
    def cpu(self) -> float:
        """CPU seconds of its programs."""
        return sum(program.cpu for program in self.programs)

    async def run(self, path: str, expected: Total) -> Run:
        """Let the load generator send a file; ends with the commit of the last row."""
        app, database = self.cpu, self.machine.database_cpu
        said = self.machine.call("bench.sender", path, "accepted", self.programs[0].url).split()
        connection = await asyncpg.connect(self.dsn)
        try:
            await self.until(connection, expected)
            app, database = self.cpu - app, self.machine.database_cpu - database
            ended = await connection.fetchval(
                f"""SELECT extract(epoch FROM max(pg_xact_commit_timestamp(xmin)))::float8
                    FROM {self.lines}"""
            )
        finally:
            await connection.close()
        return Run(int(said[1]), ended - float(said[2]), app, database)

    async def until(self, connection: asyncpg.Connection, expected: Total) -> None:
        """Wait for exactly these sums; they are asked for only while nothing moves."""
        places, deadline = None, time.monotonic() + 60
        while time.monotonic() < deadline:
            before, places = places, await connection.fetchval(self.places)
            if places == before and [*map(tuple, await connection.fetch(self.sums))] == expected:
                return
            await asyncio.sleep(0.1)
        found = [*map(tuple, await connection.fetch(self.sums))]
        odd = sorted(set(found) ^ set(expected), key=str)
        raise NotThere(f"{len(odd)} of {len(expected)} sums differ in {self.lines}: {odd[:6]}")


async def ours(machine: Machine, kafka: str) -> Pipeline:
    """`jicai serve orders` and `jicai serve alerts`."""
    dsn = await machine.create("ours", TEMPLATE)
    if kafka:
        machine.call("jicai", "topics", "apply", dsn=dsn, kafka=kafka)
    programs = [serve(machine, name, dsn, kafka) for name in ("orders", "alerts")]
    return Pipeline(
        machine, dsn, programs, OUR_SUMS, "alerts.lines",
        "SELECT string_agg(cursor, ' ' ORDER BY partition) FROM alerts.checkpoints",
    )  # fmt: skip


async def by_hand(machine: Machine, kafka: str) -> Pipeline:
    """Door with relay, and consumer."""
    dsn = await machine.create("reference")
    if kafka:
        await make_topic(kafka)
    programs = [
        machine.run(module, dsn=dsn, kafka=kafka)
        for module in ("bench.hand_door", "bench.hand_consumer")
    ]
    return _counting_by_hand(machine, dsn, programs)


async def by_hand_behind_our_door(machine: Machine, kafka: str) -> Pipeline:
    """`jicai serve orders` without a relay; relay and consumer by hand."""
    dsn = await machine.create("reference", TEMPLATE)
    await make_topic(kafka)
    programs = [
        serve(machine, "orders", dsn),
        machine.run("bench.hand_consumer", "facts", dsn=dsn, kafka=kafka),
    ]
    return _counting_by_hand(machine, dsn, programs)


def _counting_by_hand(machine: Machine, dsn: str, programs: list[Program]) -> Pipeline:
    places = "SELECT string_agg(place, ' ' ORDER BY name) FROM places"
    return Pipeline(machine, dsn, programs, HAND_SUMS, "lines", places)


async def make_topic(kafka: str, name: str = TOPIC) -> None:
    """A topic with as many partitions as ours have."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic(name, PARTITIONS, 1)])
    await admin.close()

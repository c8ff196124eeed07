"""Facts that a broker has and their log has not (主题超前): a log was restored, its topics were not.

A consumer that took one would hold what never happened, and meet another fact under its version. What
an operator has looked at and accepted is noted by offset, under a group of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import asyncpg

from shared.bus.group import Fetched, PartitionId
from shared.bus.kafka import KafkaBus, KafkaFault
from shared.bus.wire import log_of
from shared.events.topics import ALERTS, ALERTS_OPEN, PUBLISHED_BY
from shared.runtime.service import Service

ACCEPTED: Final = "accepted"
"""The group under which accepted offsets are noted, one a partition of a topic."""
LAST: Final = 20
"""So many records of a partition are looked at where a service starts: what was lost stands last."""


SECONDS: Final = 30.0
"""How long a start waits for the ends of its topics: a broker may hold them back for ever."""
LOOKS: Final = 3
"""A broker that has just been started may show an end that is too early, for a moment."""


class Lost(NamedTuple):
    """One fact on a topic that its log does not have, or that it published before it was restored."""

    log: str
    place: PartitionId
    offset: int
    source: str
    event_id: str
    type: str
    is_known: bool
    """The log has it: it was only published before the restore."""


def topics_fed_by(log: str) -> list[str]:
    """Where a log's facts stand."""
    also = (ALERTS_OPEN,) if ALERTS in PUBLISHED_BY[log] else ()
    return [*PUBLISHED_BY[log], *also]


async def lost_facts(
    connection: Any, bus: KafkaBus, log: str, *, last: int | None = LAST
) -> list[Lost]:
    """Those among the last records of each partition of a log's topics; without `last` among all."""
    accepted = await _accepted(connection, log)
    found: list[Lost] = []
    async for place, records in bus.tail(topics_fed_by(log), accepted, last=last):
        found += await _unknown(connection, log, place, records)
    return found


async def _unknown(
    connection: Any, log: str, place: PartitionId, records: Sequence[Fetched]
) -> list[Lost]:
    ours = [(record, _said(record)) for record in records if log_of(record.headers) == log]
    if not ours:
        return []
    epoch = await connection.fetchval(f"SELECT epoch FROM {log}.log_head")
    rows = await connection.fetch(
        f"""SELECT e.source, e.event_id FROM unnest($1::text[], $2::text[]) u (source, event_id)
            JOIN {log}.events e USING (source, event_id)""",
        [said["ce_source"] for _, said in ours],
        [said["ce_id"] for _, said in ours],
    )
    known = {(row["source"], row["event_id"]) for row in rows}
    found = []
    for record, said in ours:
        identity = said["ce_source"], said["ce_id"]
        begun = said.get("ce_logposition", "").partition(":")[0]
        if identity not in known or begun not in ("", str(epoch)):
            lost = Lost(log, place, record.offset, *identity, said["ce_type"], identity in known)
            found.append(lost)
    return found


def _said(record: Fetched) -> Mapping[str, str]:
    return {name: value.decode() for name, value in record.headers}


async def _accepted(connection: Any, log: str) -> dict[PartitionId, int]:
    rows = await connection.fetch(
        f"SELECT partition, cursor FROM {log}.checkpoints WHERE group_name = $1", ACCEPTED
    )
    return {PartitionId.parse(row["partition"]): int(row["cursor"]) for row in rows}


async def accept(connection: Any, log: str, ends: Mapping[PartitionId, int]) -> None:
    """Everything up to these offsets has been looked at."""
    await connection.executemany(
        f"""INSERT INTO {log}.checkpoints (group_name, partition, cursor) VALUES ($1, $2, $3)
            ON CONFLICT (group_name, partition) DO UPDATE SET cursor = excluded.cursor""",
        [(ACCEPTED, str(place), str(end)) for place, end in sorted(ends.items())],
    )


def sentence(lost: Iterable[Lost]) -> str:
    """What a service says that does not start because of them; empty when there are none."""
    facts = list(lost)
    if not facts:
        return ""
    first = facts[0]
    where = f"{first.place}@{first.offset}"
    return (
        f"主题上有恢复之前的事实 ({where} {first.event_id} 等), 请运行 jicai recover / the topics hold"
        " facts from before a restore: run `jicai recover`"
    )


async def beyond_ends(connection: Any, bus: KafkaBus, service: str, topics: Sequence[str]) -> str:
    """What a service says whose offsets lie behind the end of their partitions: the broker lost some."""
    if not topics:
        return ""
    rows = await connection.fetch(
        f"SELECT partition, cursor FROM {service}.checkpoints WHERE group_name = $1", service
    )
    ends = await bus.ends(service, topics)
    for row in rows:
        end = ends.get(row["partition"])
        if end is not None and row["cursor"].isdigit() and int(row["cursor"]) > int(end):
            return (
                f"已读到 {row['partition']}@{row['cursor']}, 而该分区止于 {end}, 请运行 jicai recover /"
                f" the partition ends at {end}, before what was read: run `jicai recover`"
            )
    return ""


async def compare_topics(dsn: str, bus: KafkaBus, services: Sequence[Service]) -> dict[str, str]:
    """Why these services may not start beside these topics, by name; empty where all is well."""
    connection = await asyncpg.connect(dsn)
    try:
        async with asyncio.timeout(SECONDS):
            wrong = {}
            for service in services:
                name = service.name
                if said := sentence(await lost_facts(connection, bus, name)):
                    wrong[f"topics {name}"] = said
                for _ in range(LOOKS):
                    said = await beyond_ends(connection, bus, name, service.topics)
                    if not said:
                        break
                    await asyncio.sleep(1)
                if said:
                    wrong[f"checkpoint {name}"] = said
            return wrong
    except (KafkaFault, TimeoutError) as error:
        what = str(error) or type(error).__name__
        return {"kafka": f"主题无法核对 / the topics cannot be compared with their logs: {what}"}
    finally:
        await connection.close()

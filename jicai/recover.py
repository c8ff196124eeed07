"""`jicai recover`: after a restore, what is ahead of the logs, and how all go on from them (恢复后核对).

The log is the truth. Told so, every consumer goes on behind the end of its topics, and each relay
publishes anew from the earliest place that any consumer had reached: what was taken comes again, which
changes nothing; what is lost is not taken. Where a cursor in a log is of another life, it begins anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from jicai.backup_manifest import Unusable
from jicai.restore_checks import working_services
from jicai.rooms import SERVICES
from jicai.running import reached_database
from jicai.topics import address_of
from shared.bus.address import KafkaAddress
from shared.bus.kafka import KafkaBus
from shared.events.envelope import place_of
from shared.events.topics import PUBLISHED_BY
from shared.runtime.lost import Lost, accept, beyond_ends, lost_facts, topics_fed_by
from shared.runtime.relay import GROUP as RELAY
from shared.runtime.settings import Settings
from shared.store.ahead import Ahead, ahead_of_logs

LISTED_MAX: Final = 1000


@dataclass(slots=True)
class Findings:
    """What is ahead of the logs."""

    checkpoints: list[Ahead] = field(default_factory=list)
    beyond: dict[str, str] = field(default_factory=dict)
    facts: list[Lost] = field(default_factory=list)
    is_accepted: bool = False

    @property
    def is_ahead(self) -> bool:
        """Whether anything is."""
        return bool(self.checkpoints or self.beyond or self.facts)

    @property
    def lost(self) -> list[Lost]:
        """Those facts that no log has: whoever sent them must send them again."""
        return [fact for fact in self.facts if not fact.is_known]

    def sentences(self) -> Iterator[str]:
        """What an operator reads."""
        if not self.is_ahead:
            yield "没有超前于日志的内容 / nothing is ahead of its log"
            return
        yield from (f"检查点 / checkpoint: {one}" for one in self.checkpoints)
        yield from (f"检查点 / checkpoint: {name}: {what}" for name, what in self.beyond.items())
        if again := len(self.facts) - len(self.lost):
            yield f"恢复前已发布 {again} 条记录 / {again} records were published before the restore"
        seen: set[tuple[str, str]] = set()
        for fact in self.lost:
            if (fact.source, fact.event_id) not in seen and len(seen) < LISTED_MAX:
                seen.add((fact.source, fact.event_id))
                yield f"日志中没有 / lost: {fact.log} {fact.type} {fact.source} {fact.event_id}"
        if self.is_accepted:
            yield "已以日志为准 / accepted: the services may start"
        else:
            yield (
                "请让发送方补发所列事实, 停止服务后运行 jicai recover --accept / have what is listed sent"
                " again, stop the services, and run `jicai recover --accept`"
            )


def run_recover(settings: Settings, *, accept: bool) -> Findings:
    """Look, and where that is said, let all go on from the logs."""
    with reached_database(settings) as (dsn, _):
        return asyncio.run(recover(dsn, address_of(settings), accept_all=accept))


async def recover(dsn: str, kafka: KafkaAddress | None, *, accept_all: bool) -> Findings:
    """The same for a database and a broker."""
    bus = None if kafka is None else KafkaBus(kafka)
    connection = await asyncpg.connect(dsn, server_settings={"application_name": "recover"})
    try:
        found = await look(connection, bus)
        if accept_all and found.is_ahead:
            if names := await working_services(connection):
                raise Unusable(f"请先停止服务 / services are running, stop them first: {names}")
            async with connection.transaction():
                await _begin_anew(connection, found.checkpoints)
                if bus is not None:
                    await _go_on_from_logs(connection, bus, is_emptied=bool(found.beyond))
            found.is_accepted = True
        return found
    finally:
        await connection.close()


async def look(connection: Any, bus: KafkaBus | None) -> Findings:
    """Everything that is ahead; nothing is changed."""
    found = Findings()
    for name, service in SERVICES.items():
        found.checkpoints += await ahead_of_logs(
            connection, name, (name, RELAY), list(PUBLISHED_BY)
        )
        if bus is not None:
            if said := await beyond_ends(connection, bus, name, service.topics):
                found.beyond[name] = said
            found.facts += await lost_facts(connection, bus, name, last=None)
    return found


async def _begin_anew(connection: Any, checkpoints: Iterable[Ahead]) -> None:
    """From the beginning of the log: folds know what they have, and the ledger knows its keys."""
    for one in checkpoints:
        await connection.execute(
            f"""UPDATE {one.service}.checkpoints SET place = '', epoch = epoch + 1,
                       cursor = CASE WHEN cursor LIKE '%:%:%' THEN '' ELSE cursor END
                WHERE group_name = $1 AND partition = $2""",
            one.group,
            one.partition,
        )


async def _go_on_from_logs(connection: Any, bus: KafkaBus, *, is_emptied: bool) -> None:
    """Consumers behind the ends, relays back to where the hindmost of them was; all that is noted.

    A broker that has lost records lacks them for others too: there everything is published again.
    """
    ends = {name: await bus.ends(name, s.topics) for name, s in SERVICES.items() if s.topics}
    for log in PUBLISHED_BY:
        await accept(connection, log, await bus.offsets(topics_fed_by(log)))
        begin = "" if is_emptied else await _earliest(connection, log, ends)
        await connection.execute(
            f"""UPDATE {log}.checkpoints SET cursor = $2, place = $2, epoch = epoch + 1
                WHERE group_name = $1""",
            RELAY,
            begin,
        )
    for name, its_ends in ends.items():
        await connection.executemany(
            f"""INSERT INTO {name}.checkpoints (group_name, partition, cursor) VALUES ($1, $2, $3)
                ON CONFLICT (group_name, partition)
                DO UPDATE SET cursor = excluded.cursor, epoch = checkpoints.epoch + 1""",
            [(name, partition, end) for partition, end in sorted(its_ends.items())],
        )


async def _earliest(connection: Any, log: str, ends: Mapping[str, Mapping[str, str]]) -> str:
    """The earliest place of a log that any consumer, or its own relay, had reached; empty = its beginning.

    A channel from which nothing was ever taken has no place: what stands there must all come.
    """
    reached: list[str] = []
    for name, its_ends in ends.items():
        channels = [one for one in its_ends if one.rpartition(":")[2] == log]
        rows = await connection.fetch(
            f"""SELECT coalesce(c.place, '') AS place FROM unnest($2::text[]) u (partition)
                LEFT JOIN {name}.checkpoints c ON c.group_name = $1 AND c.partition = u.partition""",
            name,
            channels,
        )
        reached += [row["place"] for row in rows]
    own = await connection.fetchval(
        f"SELECT cursor FROM {log}.checkpoints WHERE group_name = $1 AND partition = $2", RELAY, log
    )
    return min([*reached, own or ""], key=place_of)

"""Whether a consumer stands where its log does not go (超前的检查点): behind a restore of one of them.

A checkpoint names a place in the log of its source: over the log bus by its cursor, over any bus by
`place`. That place was read, so the log has it, in the log's own epoch; else one of the two is not
what it was, and whoever goes on would leave facts out without a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from shared.events.envelope import place_of

_ROWS: Final = """
SELECT group_name, partition, substring(partition FROM '[^:]+$') AS log, cursor, place
FROM {service}.checkpoints WHERE group_name = ANY($1) ORDER BY group_name, partition"""

_UNKNOWN: Final = """
SELECT u.n FROM unnest($1::text[], $2::bigint[], $3::int[]) u (xid, position, n)
WHERE NOT EXISTS (SELECT FROM {log}.events e WHERE (e.xid, e.position) = (u.xid::xid8, u.position))"""


class Ahead(NamedTuple):
    """One checkpoint that its log does not know."""

    service: str
    group: str
    partition: str
    log: str
    place: str

    def __str__(self) -> str:
        return (
            f"{self.group} 在 {self.partition} 读到 {self.place}, 而 {self.log} 的日志中没有这一位置, 请运行"
            f" jicai recover / stands at a place that the log of {self.log} does not have:"
            " run `jicai recover`"
        )


class _Place(NamedTuple):
    row: Any
    text: str


async def ahead_of_logs(
    connection: Any, service: str, groups: Sequence[str], logs: Sequence[str]
) -> list[Ahead]:
    """The checkpoints of these groups in a service's schema that stand where their log does not go."""
    rows = await connection.fetch(_ROWS.format(service=service), list(groups))
    found = []
    for log in sorted({row["log"] for row in rows} & set(logs)):
        if await connection.fetchval("SELECT to_regclass($1)", f"{log}.log_head") is None:
            continue
        epoch = await connection.fetchval(f"SELECT epoch FROM {log}.log_head")
        told = [one for row in rows if row["log"] == log for one in _places(row)]
        wrong = [one for one in told if place_of(one.text)[0] != epoch]
        wrong += await _unknown(connection, log, [one for one in told if one not in wrong])
        found += [
            Ahead(service, one.row["group_name"], one.row["partition"], log, one.text)
            for one in wrong
        ]
    return found


def _places(row: Any) -> Iterator[_Place]:
    """What a checkpoint says of its log; over Kafka its cursor is an offset."""
    for text in sorted({row["cursor"], row["place"]}):
        if text.count(":") == 2 and place_of(text)[1:] != (0, 0):
            yield _Place(row, text)


async def _unknown(connection: Any, log: str, told: Sequence[_Place]) -> list[_Place]:
    if not told:
        return []
    places = [place_of(one.text) for one in told]
    rows = await connection.fetch(
        _UNKNOWN.format(log=log),
        [str(xid) for _, xid, _ in places],
        [position for _, _, position in places],
        list(range(len(places))),
    )
    return [told[row["n"]] for row in rows]

"""Windowed counts in memory, one core, decoding included: our fold against a dict by hand.

Both read the same facts of orders in batches and keep, by distributor and local day, what was
answered and what came in time. Ours is the fold of `alerts` without its tables: what is heard,
absorbed in any order and judged line by line. By hand a line's row is simply overwritten.
"""

from __future__ import annotations

import gc
import operator
import time
from collections import defaultdict
from collections.abc import Sequence

import asyncpg

from bench import hand_facts
from bench.counting import Line as HandLine
from bench.counting import Sums, changes
from bench.filling import fill
from bench.load import lanes
from bench.machine import Machine, cpu_of_self
from bench.pairs import Line, Run, figures, interleave, rates, summarise
from bench.prepared import TEMPLATE
from bench.scale import Scale
from services.alerts.consumer.lines import hear
from services.alerts.domain.line import NOTHING_KNOWN, LineFacts, absorb
from services.alerts.domain.outcome import Outcome, outcome
from services.alerts.projections.lines import Key
from shared.events.envelope import Record
from shared.events.topics import DELIVERIES, ORDERS
from shared.runtime.consumer import BATCH_MAX
from shared.store.horizon import Cursor, read

Total = dict[tuple[str, object], list[int]]


async def window_vs_dict(machine: Machine, scale: Scale) -> list[Line]:
    """Empty dicts, the whole log, equal sums at the end."""
    dsn = await machine.create("ours", TEMPLATE)
    await fill(dsn, lanes(4, "k"), scale.folded)
    connection = await asyncpg.connect(dsn)
    records = await _records(connection)
    payloads = [row["payload"] for row in await connection.fetch(_ALL)]
    await connection.close()
    await machine.drop("ours")
    found: list[Total] = []

    async def ours(_: int) -> Run:
        return _timed(lambda: found.append(_fold(records)), len(payloads))

    async def by_hand(_: int) -> Run:
        return _timed(lambda: found.append(_count(payloads)), len(payloads))

    async def compare() -> None:
        assert found[-1] == found[-2], "the sums differ"

    pairs = await interleave("window_vs_dict", scale.rounds, ours, by_hand, after=compare)
    mine, theirs = [a for a, _ in pairs], [b for _, b in pairs]
    note = (
        f"one core, no table: the fold of alerts {figures(mine)}; by hand, a dict of lines "
        f"overwritten and a dict of sums, {figures(theirs)}; {len(payloads)} facts of three lines, "
        f"decoding included; {len(found[0])} sums a distributor and day equal in every round"
    )
    return [summarise("window_vs_dict", rates(pairs), note)]


_ALL = hand_facts.READ.replace("($1::text::xid8, $2::bigint)", "('0'::xid8, 0)").replace(
    "LIMIT 2000", ""
)


async def _records(connection: asyncpg.Connection) -> list[Record]:
    """The whole log as the bus gives it, without its marks."""
    records: list[Record] = []
    place = Cursor(1, 0, 0)
    while True:
        more, behind = await read(connection, place, BATCH_MAX, [ORDERS, DELIVERIES], "orders.")
        if behind == place:
            return [record for record in records if record.mark is None]
        records += more
        place = behind


_COUNTED = ("answer_counted", "accepted", "delivery_counted", "on_time")
_NOTHING = dict.fromkeys(_COUNTED, False)
_COUNTS = operator.itemgetter(*map(Outcome._fields.index, _COUNTED))


def _fold(records: Sequence[Record]) -> Total:
    """Our own: every line's facts and what they count for, then the sums of what changed."""
    known: dict[Key, LineFacts] = {}
    whose: dict[Key, str] = {}
    counted: dict[Key, Outcome] = {}
    sums: Total = defaultdict(lambda: [0, 0, 0, 0])
    for first in range(0, len(records), BATCH_MAX):
        heard = hear(records[first : first + BATCH_MAX])
        whose.update((key, subject.distributor_id) for key, subject in heard.subjects.items())
        for key, parts in heard.parts.items():
            facts = known.get(key, NOTHING_KNOWN)
            for part in parts:
                facts = absorb(facts, part)
            known[key] = facts
            before, after = counted.get(key), outcome(facts)
            assert after is not None, "an order comes before what is said of it"
            if before is None:
                before = after._replace(**_NOTHING)
            if _COUNTS(before) != _COUNTS(after):
                response = sums[whose[key], after.response_day]
                response[0] += after.answer_counted - before.answer_counted
                response[1] += after.accepted - before.accepted
                delivery = sums[whose[key], after.delivery_day]
                delivery[2] += after.delivery_counted - before.delivery_counted
                delivery[3] += after.on_time - before.on_time
            counted[key] = after
    return {key: values for key, values in sums.items() if any(values)}


def _count(payloads: Sequence[bytes]) -> Total:
    """By hand, in as large batches."""
    orders: dict[str, dict[str, HandLine]] = defaultdict(dict)
    sums: Total = defaultdict(lambda: [0, 0, 0, 0])
    for first in range(0, len(payloads), BATCH_MAX):
        before: dict[int, tuple[int, int, int, int]] = {}
        touched: dict[int, HandLine] = {}
        for payload in payloads[first : first + BATCH_MAX]:
            event = hand_facts.decode(payload)
            lines = orders[event.data.order_id]
            for line in lines.values():
                before.setdefault(id(line), line.counts())
            for line in hand_facts.tell(lines, event):
                before.setdefault(id(line), (0, 0, 0, 0))
                touched[id(line)] = line
        befores = [before[number] for number in touched]
        changed: Sums = changes(befores, touched.values())
        for key, values in changed.items():
            sums[key] = [a + b for a, b in zip(sums[key], values, strict=True)]
    return {key: values for key, values in sums.items() if any(values)}


def _timed(work: object, events: int) -> Run:
    assert callable(work)
    gc.collect()
    app = cpu_of_self()
    begin = time.perf_counter()
    work()
    return Run(events, time.perf_counter() - begin, cpu_of_self() - app)

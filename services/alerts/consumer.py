"""The bus door (事件入口): facts of orders, deliveries and registers become rows, in any order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from services.alerts.domain.line import NOTHING_KNOWN, Part, absorb, from_bytes, parts_of, to_bytes
from services.alerts.domain.outcome import outcome
from services.alerts.projections import lines
from services.alerts.projections.lines import NOBODY, UNKNOWN, Key, Row, Subject
from services.alerts.projections.orders import refresh_orders
from services.alerts.projections.registers import fold_registers
from shared.events.envelope import Record, cause_of
from shared.events.orders import (
    ANSWERED,
    ARRIVED,
    CANCELLED,
    DISPATCHED,
    DUE_MOVED,
    FACTS,
    LINE_VOIDED,
    PLACED,
    RECEIVED,
    OrderFact,
    Placed,
)
from shared.events.topics import DELIVERIES, ORDERS, REFERENCE
from shared.runtime.room import Room

TOPICS: Final = (ORDERS, DELIVERIES, REFERENCE)

_HEARD: Final = (
    PLACED, ANSWERED, CANCELLED, LINE_VOIDED, DUE_MOVED, DISPATCHED, ARRIVED, RECEIVED,
)  # fmt: skip
"""Returns and invoices decide no figure."""

_ANSWERING: Final = frozenset({PLACED, ANSWERED, CANCELLED})
"""What moves the rates of answers."""

_DECODERS: Final[dict[str, msgspec.json.Decoder[OrderFact]]] = {
    type_: msgspec.json.Decoder(FACTS[type_]) for type_ in _HEARD
}


class Heard(msgspec.Struct):
    """What a batch says, line by line."""

    parts: dict[Key, list[Part]] = {}
    subjects: dict[Key, Subject] = {}
    orders: set[str] = set()
    placed: set[str] = set()
    answers: set[str] = set()


async def fold(tx: Any, records: Sequence[Record], room: Room) -> None:
    """Take a batch into the rows: one load, one fold in memory, one or two writes (折叠)."""
    await fold_registers(tx, records)
    heard = hear(records)
    if not heard.parts:
        return
    await lines.work_by_key(tx)
    # An order placed in this batch is taken to be new: where it is not, the write says so.
    rows = await lines.load(tx, sorted(heard.orders - heard.placed))
    while not await _write(tx, heard, rows):
        rows = await lines.load(tx, sorted(heard.orders))
    await refresh_orders(tx, sorted(heard.answers))


def hear(records: Sequence[Record]) -> Heard:
    """Decode a batch and sort what it says by line (拆分)."""
    heard = Heard()
    parts = heard.parts
    for record in records:
        decoder = _DECODERS.get(record.type)
        if decoder is None:
            continue
        fact = decoder.decode(record.fact)
        order_id = fact.order_id
        heard.orders.add(order_id)
        for line_id, part in parts_of(record.version, cause_of(record), fact):
            key = (order_id, line_id)
            if key in parts:
                parts[key].append(part)
            else:
                parts[key] = [part]
        if record.type in _ANSWERING:
            heard.answers.add(order_id)
        if type(fact) is Placed:
            heard.placed.add(order_id)
            heard.subjects.update(_subjects(fact))
    return heard


def _subjects(fact: Placed) -> list[tuple[Key, Subject]]:
    return [
        (
            (fact.order_id, line.line_id),
            Subject(
                line.supplier_role in ("main", "backup"),
                fact.distributor_id,
                line.manufacturer_id,
                line.product_id,
                fact.hospital_id,
                fact.division,
                fact.level,
                line.category,
                line.batch_id,
            ),
        )
        for line in fact.lines
    ]


async def _write(tx: Any, heard: Heard, rows: dict[Key, tuple[int, bytes]]) -> bool:
    """Absorb and write what changed; False when another owner wrote one of the lines meanwhile."""
    fresh: list[Row] = []
    overtaken: list[Row] = []
    standing: list[Row] = []
    for key in sorted(heard.parts):
        row = rows.get(key)
        known = NOTHING_KNOWN if row is None else from_bytes(row[1])
        facts = known
        for part in heard.parts[key]:
            facts = absorb(facts, part)
        if facts is known:
            continue
        revision = 1 if row is None else row[0] + 1
        changed = (*key, revision, *(outcome(facts) or UNKNOWN), to_bytes(facts))
        subject = heard.subjects.get(key)
        if row is None:
            fresh.append((*changed, *(subject or NOBODY)))
        elif subject is not None:
            overtaken.append((*changed, *subject))
        else:
            standing.append(changed)
    written = await lines.add(tx, fresh)
    written += await lines.put(tx, overtaken)
    written += await lines.update(tx, standing)
    return written == len(fresh) + len(overtaken) + len(standing)

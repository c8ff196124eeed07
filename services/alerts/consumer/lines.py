"""The part of lines (明细折叠): facts of orders and deliveries become rows, in any order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from services.alerts.domain.line import (
    NOTHING_KNOWN,
    LineFacts,
    Part,
    absorb,
    from_bytes,
    parts_of,
    to_bytes,
)
from services.alerts.domain.outcome import outcome
from services.alerts.domain.waiting import waits
from services.alerts.projections import lines
from services.alerts.projections.freezing import count_issued, keep
from services.alerts.projections.lines import NOBODY, UNKNOWN, Key, Known, Row, Subject
from services.alerts.projections.orders import refresh_orders
from services.alerts.projections.waiting import begin_waiting, end_waiting
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
    DeliveryFact,
    OrderFact,
    Placed,
)

_HEARD: Final = (
    PLACED, ANSWERED, CANCELLED, LINE_VOIDED, DUE_MOVED, DISPATCHED, ARRIVED, RECEIVED,
)  # fmt: skip
"""Returns and invoices decide no figure."""

_ANSWERING: Final = frozenset({PLACED, ANSWERED, CANCELLED})
"""What moves the rates of answers."""

_DECODERS: Final[dict[str, msgspec.json.Decoder[OrderFact]]] = {
    type_: msgspec.json.Decoder(
        DeliveryFact if issubclass(FACTS[type_], DeliveryFact) else FACTS[type_]
    )
    for type_ in _HEARD
}
"""Of a delivery its totals alone count: what else its fact says is skipped, for half the cost."""


Turns = dict[Key, LineFacts]
"""Lines that begin or end to wait for their distributor in this batch, as it leaves them."""


class Heard(msgspec.Struct):
    """What a batch says, line by line."""

    parts: dict[Key, list[Part]] = {}
    subjects: dict[Key, Subject] = {}
    orders: set[str] = set()
    placed: set[str] = set()
    answers: set[str] = set()


async def fold_lines(tx: Any, records: Sequence[Record]) -> None:
    """Take a batch into the rows: one load, one fold in memory, one or two writes (折叠)."""
    heard = hear(records)
    if not heard.parts:
        return
    await lines.work_by_key(tx)
    issued = await count_issued(tx)
    # An order placed in this batch is taken to be new: where it is not, the write says so.
    rows = await lines.load(tx, sorted(heard.orders - heard.placed))
    turns: Turns = {}
    while not await _write(tx, heard, rows, issued, turns):
        rows = await lines.load_locked(tx, sorted(heard.orders))
    await _keep_waiting(tx, turns)
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
        for line_id, part in parts_of(record.version, cause_of(record), fact, record.recorded_at):
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


async def _write(tx: Any, heard: Heard, rows: dict[Key, Known], issued: int, turns: Turns) -> bool:
    """Absorb and write what changed; False when another owner wrote one of the lines meanwhile."""
    fresh: list[Row] = []
    overtaken: list[Row] = []
    standing: list[Row] = []
    published: list[Key] = []
    for key in sorted(heard.parts):
        row = rows.get(key)
        known = NOTHING_KNOWN if row is None else from_bytes(row.facts)
        facts = known
        for part in heard.parts[key]:
            facts = absorb(facts, part)
        # Read again after another owner's write, a line may turn out otherwise: the last look counts.
        if key in turns or waits(facts) != waits(known):
            turns[key] = facts
        if facts is known:
            continue
        revision = 1 if row is None else row.revision + 1
        changed = (*key, revision, issued, *(outcome(facts) or UNKNOWN), to_bytes(facts))
        subject = heard.subjects.get(key)
        if row is not None and row.since < issued:
            published.append(key)
        if row is None:
            fresh.append((*changed, *(subject or NOBODY)))
        elif subject is not None:
            overtaken.append((*changed, *subject))
        else:
            standing.append(changed)
    await keep(tx, published, issued)
    written = await lines.add(tx, fresh)
    written += await lines.put(tx, overtaken)
    written += await lines.update(tx, standing)
    return written == len(fresh) + len(overtaken) + len(standing)


async def _keep_waiting(tx: Any, turns: Turns) -> None:
    """Tell the table of waiting lines which have begun and which have ended (待响应)."""
    begun = [
        (*key, facts.terms.answer_due)
        for key, facts in sorted(turns.items())
        if facts.terms is not None and waits(facts)
    ]
    ended = [key for key, facts in sorted(turns.items()) if not waits(facts)]
    await begin_waiting(tx, begun)
    await end_waiting(tx, ended)

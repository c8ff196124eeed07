"""Orders and their arrivals as stored (订单与到货存储): written without a look, read by order."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

Row = tuple[Any, ...]

_PUT_ORDERS: Final = """
INSERT INTO placed_orders (order_id, hospital_id, distributor_id, lines)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[])
ON CONFLICT (order_id) DO NOTHING"""

_PUT_ENDED: Final = """
INSERT INTO ended_lines (order_id, line_id, is_cancelled)
SELECT * FROM unnest($1::text[], $2::text[], $3::bool[])
ON CONFLICT (order_id, line_id) DO NOTHING"""

_PUT_ARRIVALS: Final = """
INSERT INTO arrivals AS a (order_id, delivery_id, version, arrived_at, lines)
SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::timestamptz[], $5::bytea[])
ON CONFLICT (order_id, delivery_id) DO UPDATE
SET version = excluded.version, arrived_at = excluded.arrived_at, lines = excluded.lines
WHERE a.version < excluded.version"""

# One statement, so that an order and its arrivals are of one moment.
_FIND: Final = """
SELECT o.order_id, o.hospital_id, o.distributor_id, o.lines,
       ARRAY(SELECT a.arrived_at FROM arrivals a WHERE a.order_id = o.order_id
             ORDER BY a.delivery_id) AS arrived_at,
       ARRAY(SELECT a.lines FROM arrivals a WHERE a.order_id = o.order_id
             ORDER BY a.delivery_id) AS arrived,
       ARRAY(SELECT e.line_id FROM ended_lines e
             WHERE e.order_id = o.order_id AND e.is_cancelled) AS cancelled,
       ARRAY(SELECT e.line_id FROM ended_lines e
             WHERE e.order_id = o.order_id AND NOT e.is_cancelled) AS void
FROM unnest($1::text[], $2::text[]) AS named (order_id, hospital_id)
JOIN placed_orders o USING (order_id, hospital_id)"""


async def store(
    tx: Any, orders: Sequence[Row], ended: Sequence[Row], arrivals: Sequence[Row]
) -> None:
    """Keep what a batch said, each kind in the order of its keys; what is known is not rewritten."""
    for statement, rows in (
        (_PUT_ORDERS, orders), (_PUT_ENDED, ended), (_PUT_ARRIVALS, arrivals),
    ):  # fmt: skip
        if rows:
            await tx.execute(statement, *map(list, zip(*rows, strict=True)))


async def find_orders(connection: Any, named: Collection[tuple[str, str]]) -> list[Any]:
    """Those of these (order, hospital) that are known and that hospital's, with all that arrived."""
    rows: list[Any] = await connection.fetch(
        _FIND, [order_id for order_id, _ in named], [hospital_id for _, hospital_id in named]
    )
    return rows

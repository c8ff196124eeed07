"""A province's month of receipts that waits to be settled: its lines, made by one statement.

Receipts come in the order of time, so a hospital's lines lie scattered over the whole table; some
hospitals have many times the lines of others. One line in a hundred goes back, one in a hundred does
not match. What was received behind the month's end, or went back behind it, is not of this month;
what was received on the day before it began is settled already, but looks as if it were not.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

import asyncpg

from bench.machine import Machine
from bench.prepared import TEMPLATE
from jicai.imports.ids import uscc
from shared.kernel.clock import day_start

TOWN: Final = "settling"
MONTH: Final = "2026-03"
BEGINS: Final = day_start(date(2026, 3, 1))
ENDS: Final = day_start(date(2026, 4, 1))
DAYS: Final = 31
AT: Final = day_start(date(2026, 4, 8))
"""The 5th working day of April: Qingming lies before it."""
BEFORE: Final = "2026-02"
BEFORE_AT: Final = day_start(date(2026, 3, 6))
"""When the month before was drafted."""

PAYEES_EACH: Final = 20
PAYEES: Final = 400
LINES_EACH: Final = 125
"""Lines a statement, on average."""
ORDER_LINES: Final = 4

_NAMES: Final = """
CREATE TEMP TABLE {name} AS SELECT n - 1 AS n, id FROM unnest($1::text[]) WITH ORDINALITY u (id, n)"""

# A day's receipts come before the month and a twentieth behind it; a hash stands for chance.
_RECEIPTS: Final = """
INSERT INTO settlement.receipt_lines (order_id, receipt_id, order_line_id, hospital_id, payee_id,
  pool, product_id, manufacturer_id, batch_id, selected_price, accepted, occurred_at, recorded_at,
  invoiced, sale_price, sale_at, sale_version, changed_at)
SELECT h.id || '-2026-' || (o.n + 10000000)::text, 'RK' || lpad(to_hex(o.chance & 1099511627775), 10, '0'),
  line::text, h.id, p.id, substr(h.id, 2, 4) || '00', 'P' || lpad((c / 7 % 3000)::text, 6, '0'),
  m.id, 'JX2026-0' || 1 + c / 7 % 6, price, accepted, received, received + interval '3 s',
  CASE WHEN fate < 5 THEN 0 WHEN fate < 8 THEN accepted + 10000 ELSE accepted END,
  CASE WHEN fate < 5 THEN NULL WHEN fate < 10 THEN price + 100 WHEN fate < 60 THEN price - 100
       ELSE price END,
  CASE WHEN fate >= 5 THEN received + interval '1 hour' END, CASE WHEN fate >= 5 THEN 6 END,
  received + interval '1 hour' * (1 + c / 11 % 70)
FROM (SELECT n, chance, (power(chance / 7 % 1000003 / 1000003.0::float8, 2) * {hospitals})::int
          % {hospitals} AS hospital,
        {begins} + ({ends} - {begins}) * (n::float8 / {orders}) AS received
      FROM (SELECT n, hashint8extended(n, 1) & 9223372036854775807 AS chance
            FROM generate_series(-{orders} / {days}, {orders} * 21 / 20 - 1) AS n) AS numbered) AS o
CROSS JOIN LATERAL (SELECT line, hashint8extended(n * 8 + line, 2) & 9223372036854775807 AS c
      FROM generate_series(1, {order_lines}) AS line) AS l
CROSS JOIN LATERAL (SELECT c % 1000 AS fate, 12500 + c / 7 % 3000 * 370 AS price,
      (1 + c / 13 % 200) * 10000 AS accepted) AS f
JOIN hospitals h ON h.n = o.hospital
JOIN payees p ON p.n = (o.hospital * 7 + chance / 3 % {payees_each}) % {payees}
JOIN payees m ON m.n = c / 7 % 3000 % 300"""

_RETURNS: Final = """
INSERT INTO settlement.return_lines (order_id, return_id, order_line_id, receipt_id, hospital_id,
  payee_id, pool, product_id, quantity, occurred_at, recorded_at)
SELECT order_id, 'TH' || substr(receipt_id, 3), order_line_id, receipt_id, hospital_id, payee_id, pool,
  product_id, greatest(accepted / 20000, 1) * 10000, occurred_at + interval '40 hours',
  occurred_at + interval '40 hours 3 s'
FROM settlement.receipt_lines WHERE hashtextextended(receipt_id || order_line_id, 3) % 100 = 0
ORDER BY occurred_at"""

_BEFORE: Final = """
WITH before AS MATERIALIZED (
  SELECT * FROM settlement.receipt_lines WHERE outcome = 'matched' AND occurred_at < {begins}
), numbered AS MATERIALIZED (
  SELECT hospital_id, payee_id, min(pool) AS pool, sum(amount_fen) AS amount_fen,
    nextval('settlement.statement_numbers') AS number
  FROM before GROUP BY hospital_id, payee_id
), drafted AS (
  INSERT INTO settlement.drafts (month, at, is_done) VALUES ('{before}', {before_at}, true)
), written AS (
  INSERT INTO settlement.statements (statement_id, number, hospital_id, payee_id, month, pool, state,
    drafted_at, began_at, receipts_fen, returns_fen, carried_fen, is_second, is_apart, in_held)
  SELECT '{before}-' || hospital_id || '-' || payee_id, number, hospital_id, payee_id, '{before}', pool,
    'paid', {before_at}, {before_at} + interval '9 days', amount_fen, 0, 0, false, false, false
  FROM numbered
)
INSERT INTO settlement.statement_lines (statement, order_id, receipt_id, order_line_id, product_id,
  manufacturer_id, batch_id, quantity, unit_price, amount_fen)
SELECT number, order_id, receipt_id, order_line_id, product_id, manufacturer_id, batch_id, accepted,
  sale_price, b.amount_fen
FROM before b JOIN numbered USING (hospital_id, payee_id)
ORDER BY order_id, receipt_id, order_line_id"""

# Built when all stands, an index costs a fifth of what it costs row by row.
_INDEXES: Final = """
SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS made
FROM pg_index WHERE indrelid = 'settlement.receipt_lines'::regclass AND NOT indisprimary"""


async def settling_town(machine: Machine, lines: int) -> None:
    """The database `TOWN`, to be copied for each side."""
    dsn = await machine.create(TOWN, TEMPLATE)
    connection = await asyncpg.connect(dsn)
    try:
        await _fill(connection, lines)
    finally:
        await connection.close()
    await machine.execute(TOWN, "VACUUM ANALYZE", "CHECKPOINT")


async def copy_town(machine: Machine, database: str) -> str:
    """The same month once more, untouched; by files, for it is large."""
    await machine.drop(database)
    await machine.execute(
        "postgres", f"CREATE DATABASE {database} TEMPLATE {TOWN} STRATEGY file_copy"
    )
    return machine.dsn(database)


async def _fill(connection: asyncpg.Connection, lines: int) -> None:
    hospitals = _hospitals(max(20, lines // (PAYEES_EACH * LINES_EACH)))
    payees = [uscc(f"settling payee {n}", "360100") for n in range(PAYEES)]
    for name, ids in (("hospitals", hospitals), ("payees", payees)):
        await connection.execute(_NAMES.format(name=name), ids)
        await connection.execute(f"ANALYZE {name}")
    await connection.execute("SET synchronous_commit = off; SET maintenance_work_mem = '512MB'")
    indexes = await connection.fetch(_INDEXES)
    for index in indexes:
        await connection.execute(f"DROP INDEX {index['name']}")
    statement = _RECEIPTS.format(
        hospitals=len(hospitals), orders=lines // ORDER_LINES, order_lines=ORDER_LINES,
        payees_each=PAYEES_EACH, payees=PAYEES, begins=_literal(BEGINS), ends=_literal(ENDS),
        days=DAYS,
    )  # fmt: skip
    await connection.execute(statement)
    for index in indexes:
        await connection.execute(index["made"])
    await connection.execute(_RETURNS)
    before = _BEFORE.format(
        before=BEFORE, begins=_literal(BEGINS), before_at=_literal(BEFORE_AT)
    )  # fmt: skip
    await connection.execute(before)


def _hospitals(count: int) -> list[str]:
    """Hospitals of eleven cities, a dozen counties each; the large ones are everywhere."""
    return [f"H36{1 + n % 11:02}{1 + n // 11 % 12:02}{n:05}" for n in range(count)]


def _literal(at: datetime) -> str:
    return f"'{at.isoformat()}'::timestamptz"

"""Scorecards over a million lines, by HTTP: one subject, and every distributor at once."""

from __future__ import annotations

import statistics
import time

import httpx2

from bench.machine import Machine
from bench.pairs import Line, console, summarise
from bench.prepared import TEMPLATE, serve
from bench.scale import Scale

SUBJECTS = 600
ONE_MS = 20.0
ALL_MS = 500.0
"""The goals: one scorecard, and those of all distributors."""

_LINES = """
INSERT INTO alerts.lines (order_id, line_id, revision, response_day, delivery_day, back_entered,
  excused, answer_counted, accepted, answered, delivery_counted, on_time, on_time_first, ordered,
  dispatched, received, selected, distributor_id, manufacturer_id, product_id, hospital_id,
  division, level, category, batch_id, facts)
SELECT 'H' || 360102000000 + n / 3 % 1800 || '-' || n / 3, 1 + n % 3, 3, day, day + 1 + n / 3 % 4,
  false, false, true, hash % 10 > 0, hash % 12 > 0, true, hash % 7 > 0, hash % 8 > 0, 1000000,
  1000000 - hash % 3 * 1000, 900000, hash % 10 > 1, 'D' || n / 3 % {subjects}, 'M' || hash % 300,
  'P' || hash % 12000, 'H' || 360102000000 + n / 3 % 1800, 360100 + n / 3 % 120,
  (ARRAY['primary', 'secondary', 'tertiary'])[1 + n / 3 % 3],
  (ARRAY['drug', 'consumable'])[1 + (hash % 4 = 0)::int], 'B' || hash % 5,
  decode(repeat('ab', 160), 'hex')
FROM (SELECT n, abs(hashint4(n)) AS hash,
        (now() AT TIME ZONE 'Asia/Shanghai')::date - 1 - abs(hashint4(n / 3)) % 90 AS day
      FROM generate_series(0, {lines} - 1) AS n) AS numbered"""

_ORDERS = """
INSERT INTO alerts.orders (order_id, distributor_id, division, level, response_day, counted, whole)
SELECT order_id, distributor_id, division, level, response_day, bool_or(answer_counted),
  bool_and(answered)
FROM alerts.lines WHERE selected GROUP BY 1, 2, 3, 4, 5"""

_REGISTERS = """
INSERT INTO alerts.registers (kind, id, version, name, body, kinds)
SELECT 'organisation', 'D' || n, 1, 'company ' || n, '', ARRAY['distributor']
FROM generate_series(0, {subjects} - 1) AS n"""


async def scorecards(machine: Machine, scale: Scale) -> list[Line]:
    """Times over the goals: below 1 is within them."""
    dsn = await machine.create("ours", TEMPLATE)
    await machine.execute(
        "ours",
        _LINES.format(lines=scale.lines, subjects=SUBJECTS),
        _ORDERS,
        _REGISTERS.format(subjects=SUBJECTS),
        "VACUUM ANALYZE",
    )
    program = serve(machine, "alerts", dsn)
    headers = {"X-Jicai-Actor": "regulator:360000"}
    with httpx2.Client(base_url=program.url, headers=headers, timeout=60) as client:
        ask(client, limit="1")
        one = [ask(client, id=f"D{n}") for n in range(0, SUBJECTS, 12)]
        every = [ask(client, limit=str(SUBJECTS)) for _ in range(9)]
    machine.end_programs()
    await machine.drop("ours")
    return [
        _line("scorecards_one", one, ONE_MS, "one distributor", scale),
        _line("scorecards_all", every, ALL_MS, f"all {SUBJECTS} distributors", scale),
    ]


def ask(client: httpx2.Client, **parameters: str) -> float:
    """Milliseconds until the scorecards of the last 30 days are here."""
    begin = time.perf_counter()
    query = {"subject": "distributor", "window": "30d"} | parameters
    answer = client.get("/alerts/v1/scorecards", params=query)
    answer.raise_for_status()
    assert answer.json()["items"]
    return (time.perf_counter() - begin) * 1000


def _line(name: str, times: list[float], goal: float, what: str, scale: Scale) -> Line:
    median = statistics.median(times)
    console.print(f"  {name}: {median:.1f} ms")
    note = (
        f"median {median:.1f} ms for {what}, 30 days with the year's orders, by HTTP over "
        f"{scale.lines:,} lines of 90 days, as a share of the goal of {goal:.0f} ms"
    )
    return summarise(name, [taken / goal for taken in times], note)

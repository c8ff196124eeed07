"""Payments as they are looked up (支付查询), and what of a hospital's prepaid is left to draw."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from services.settlement.projections.visibility import visible
from shared.runtime.actors import Actor

_ORDER: Final = """
INSERT INTO payments (payment_id, statement_id, hospital_id, payee_id, pool, from_prepaid_fen,
                      from_fund_fen, state, ordered_at, account_version, account_name,
                      account_number, bank_name, bank_code, assignee_name, assignee_contract)
SELECT u.payment_id, u.statement_id, s.hospital_id, s.payee_id, s.pool, u.drawn, u.rest, 'paying',
       u.at, u.version, a.account_name, a.account_number, a.bank_name, a.bank_code, a.assignee_name,
       a.assignee_contract
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::integer[])
       AS u (payment_id, statement_id, drawn, rest, at, version)
JOIN statements s ON s.statement_id = u.statement_id
LEFT JOIN payee_accounts a ON a.payee_id = s.payee_id AND a.version = u.version"""

_REPORT: Final = """
UPDATE payments p SET state = u.state, bank_reference = u.reference, value_date = u.day,
                      reason = u.reason
FROM unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::text[])
       AS u (payment_id, state, reference, day, reason)
WHERE p.payment_id = u.payment_id"""

_LEFT: Final = """
SELECT h.hospital_id,
       coalesce((SELECT sum(p.debit_fen) - sum(p.credit_fen) FROM postings p
                 WHERE p.account = 'hospital:' || h.hospital_id || ':prepaid'
                   AND p.account LIKE 'hospital:%:prepaid'), 0)
     - coalesce((SELECT sum(y.from_prepaid_fen) FROM payments y
                 WHERE y.hospital_id = h.hospital_id AND y.state = 'paying'
                   AND y.from_prepaid_fen > 0), 0) AS left_fen
FROM unnest($1::text[]) h (hospital_id)"""


class Ordered(NamedTuple):
    """A payment as it is ordered (支付指令); the account that its fact tells is copied with its number."""

    payment_id: str
    statement_id: str
    from_prepaid_fen: int
    from_fund_fen: int
    at: datetime
    account_version: int | None


class PaymentFilter(NamedTuple):
    """Which payments a list asks for (筛选条件)."""

    state: str | None = None
    pool: str | None = None
    payee_id: str | None = None


class Reported(NamedTuple):
    """What the bank says of it (银行回执)."""

    payment_id: str
    state: str
    bank_reference: str | None
    value_date: date | None
    reason: str | None


async def insert_payments(tx: Any, ordered: Sequence[Ordered]) -> None:
    """New payments (入表)."""
    if ordered:
        await tx.execute(_ORDER, *map(list, zip(*sorted(ordered), strict=True)))


async def report_payments(tx: Any, reported: Sequence[Reported]) -> None:
    """What the bank says of payments (回执入表)."""
    if reported:
        await tx.execute(
            _REPORT, *map(list, zip(*sorted(reported, key=lambda one: one[0]), strict=True))
        )


async def prepaid_left(connection: Any, hospitals: Sequence[str]) -> dict[str, int]:
    """What is prepaid, not drawn and not reserved, by hospital (可用预付). Ask behind its lock."""
    rows = await connection.fetch(_LEFT, sorted(set(hospitals)))
    return {row["hospital_id"]: int(row["left_fen"]) for row in rows}


def prepaid_lock(hospital_id: str) -> str:
    """The name under which a hospital's prepaid is drawn by one at a time."""
    return f"prepaid-{hospital_id}"


async def find_payment(connection: Any, payment_id: str) -> Any:
    """One payment; None where there is none."""
    return await connection.fetchrow("SELECT * FROM payments WHERE payment_id = $1", payment_id)


async def statements_paid_by(connection: Any, payment_ids: Sequence[str]) -> dict[str, str]:
    """The statement that each of these payments is for; what is no payment is left out."""
    rows = await connection.fetch(
        "SELECT payment_id, statement_id FROM payments WHERE payment_id = ANY($1)",
        list(payment_ids),
    )
    return {row["payment_id"]: row["statement_id"] for row in rows}


async def bearers_of(connection: Any, references: Sequence[str]) -> dict[str, str]:
    """Which payments bear these bank references already (银行流水号核对)."""
    rows = await connection.fetch(
        "SELECT bank_reference, payment_id FROM payments WHERE bank_reference = ANY($1)",
        list(references),
    )
    return {row["bank_reference"]: row["payment_id"] for row in rows}


async def list_payments(
    connection: Any, actor: Actor, wanted: PaymentFilter, *, after: str, limit: int
) -> list[Any]:
    """The payments that this caller may see, by id; each with its month and the file it is in."""
    values: list[Any] = [after, limit]
    where = ["payment_id > $1", *visible(actor, values)]
    for column in ("state", "pool", "payee_id"):
        value = getattr(wanted, column)
        if value is not None:
            values.append(value)
            where.append(f"{column} = ${len(values)}")
    rows: list[Any] = await connection.fetch(
        f"""SELECT p.*, s.month, l.file_id
            FROM (SELECT * FROM payments WHERE {" AND ".join(where)} ORDER BY payment_id LIMIT $2) p
            JOIN statements s USING (statement_id) LEFT JOIN payment_file_lines l USING (payment_id)
            ORDER BY p.payment_id""",
        *values,
    )
    return rows

"""What hospitals report to have paid, as stored (医疗机构付款查询)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any, Final

import asyncpg
import msgspec

from services.settlement.projections.visibility import visible
from shared.events.hospital_payments import (
    HOSPITAL_PAYMENT_ACKNOWLEDGED,
    HOSPITAL_PAYMENT_CONTESTED,
    HOSPITAL_PAYMENT_REPORTED,
    HOSPITAL_PAYMENT_WITHDRAWN,
    HospitalPaymentReported,
)
from shared.runtime.actors import Actor

_COLUMNS: Final = (
    "payment_id", "hospital_id", "payee_id", "amount_fen", "paid_on", "bank_reference", "state",
    "reason", "reported_at", "reported_by",
)  # fmt: skip

_INSERT: Final = """
INSERT INTO hospital_payments (payment_id, hospital_id, payee_id, amount_fen, paid_on,
                               bank_reference, reported_at, reported_by, state)
SELECT u.*, 'reported' FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::date[],
                                   $6::text[], $7::timestamptz[], $8::text[]) AS u"""

_MOVE: Final = "UPDATE hospital_payments SET state = $2, reason = $3 WHERE payment_id = $1"

_STATE_AFTER: Final = {
    HOSPITAL_PAYMENT_CONTESTED: "contested",
    HOSPITAL_PAYMENT_ACKNOWLEDGED: "acknowledged",
    HOSPITAL_PAYMENT_WITHDRAWN: "withdrawn",
}


class ReferenceTaken(Exception):
    """The hospital has reported this bank reference under another payment: nothing was written."""


class PaymentFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which payments a list asks for (筛选条件)."""

    hospital_id: str | None = None
    payee_id: str | None = None
    state: str | None = None


async def write_hospital_payments(tx: Any, told: Sequence[tuple[str, Any]]) -> None:
    """Keep the rows of these facts, by type; ReferenceTaken where a transfer is told a second time.

    New payments go in the order of their keys, so that two who report the same references wait for
    each other but never in a circle.
    """
    # A reference that is withdrawn here is free for what is reported with it.
    for type_, fact in told:
        if type_ in _STATE_AFTER:
            reason = getattr(fact, "reason", None)
            await tx.execute(_MOVE, fact.payment_id, _STATE_AFTER[type_], reason)
    new = [fact for type_, fact in told if type_ == HOSPITAL_PAYMENT_REPORTED]
    if not new:
        return
    rows = sorted(map(_row, new), key=lambda row: (row[1], row[5]))
    try:
        await tx.execute(_INSERT, *map(list, zip(*rows, strict=True)))
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "hospital_payments_reference":
            raise
        raise ReferenceTaken(str(error)) from None


def _row(fact: HospitalPaymentReported) -> tuple[Any, ...]:
    return (
        fact.payment_id,
        fact.hospital_id,
        fact.payee_id,
        fact.amount_fen,
        date.fromisoformat(fact.paid_on),
        fact.bank_reference,
        fact.at,
        fact.by,
    )


async def find_payment(connection: Any, actor: Actor, payment_id: str) -> Any | None:
    """One payment, if there is one that this caller may see."""
    values: list[Any] = [payment_id]
    where = ["payment_id = $1", *visible(actor, values)]
    return await connection.fetchrow(
        f"SELECT {', '.join(_COLUMNS)} FROM hospital_payments WHERE {' AND '.join(where)}", *values
    )


async def list_payments(
    connection: Any, actor: Actor, wanted: PaymentFilter, *, after: str, limit: int
) -> list[Any]:
    """Payments this caller may see, by id, which begins with the hospital's."""
    values: list[Any] = [after, limit]
    where = ["payment_id > $1", *visible(actor, values)]
    for column in ("hospital_id", "payee_id", "state"):
        value = getattr(wanted, column)
        if value is not None:
            values.append(value)
            where.append(f"{column} = ${len(values)}")
    rows: list[Any] = await connection.fetch(
        f"""SELECT {", ".join(_COLUMNS)} FROM hospital_payments
            WHERE {" AND ".join(where)} ORDER BY payment_id LIMIT $2""",
        *values,
    )
    return rows


async def paying_hospitals(
    connection: Any,
    actor: Actor,
    pools: Collection[str],
    hospital_id: str | None,
    payee_id: str | None,
    *,
    first: str,
    limit: int,
) -> list[str]:
    """Registered hospitals of these pools that this caller may ask about, from `first` on, by id.

    `payee_id` is whom the question is about: a distributor may ask about what is owed to itself.
    """
    values: list[Any] = [first, sorted(pools), hospital_id, payee_id, limit]
    where = " AND ".join(["hospital_id >= $1", *visible(actor, values)])
    rows = await connection.fetch(
        f"""SELECT hospital_id FROM (
                SELECT id AS hospital_id, $4::text AS payee_id FROM registers
                WHERE kind = 'organisation' AND kinds = 'hospital'
                  AND substr(id, 2, 4) || '00' = ANY($2::text[])
                  AND ($3::text IS NULL OR id = $3)
            ) AS registered WHERE {where} ORDER BY hospital_id LIMIT $5""",
        *values,
    )
    return [row["hospital_id"] for row in rows]

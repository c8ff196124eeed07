"""Payments, arrears and due lines as documents (付款、欠款视图)."""

from __future__ import annotations

from datetime import date
from typing import Any

from services.settlement.domain.ageing import Arrears, overdue_days
from shared.kernel.clock import local_text
from shared.kernel.codes import pool_of
from shared.kernel.quantity import format_quantity


def payment_document(row: Any) -> dict[str, Any]:
    """One payment as it stands; `reason` is that of a contest or a withdrawal."""
    return {
        "payment_id": row["payment_id"],
        "hospital_id": row["hospital_id"],
        "payee_id": row["payee_id"],
        "amount_fen": row["amount_fen"],
        "paid_on": row["paid_on"].isoformat(),
        "bank_reference": row["bank_reference"],
        "state": row["state"],
        "reason": row["reason"],
        "reported_at": local_text(row["reported_at"]),
    }


def arrears_document(hospital_id: str, payee_id: str, arrears: Arrears) -> dict[str, Any]:
    """What one hospital owes one payee: accepted - returned - paid = owed - credit."""
    oldest = arrears.oldest_due_on
    return {
        "hospital_id": hospital_id,
        "payee_id": payee_id,
        "pool": pool_of(hospital_id),
        "mode": "hospital",
        "accepted_fen": arrears.accepted_fen,
        "returned_fen": arrears.returned_fen,
        "paid_fen": arrears.paid_fen,
        "owed_fen": arrears.owed_fen,
        "credit_fen": arrears.credit_fen,
        "not_yet_due_fen": arrears.not_yet_due_fen,
        "overdue_fen": arrears.overdue_fen,
        "overdue": [bucket._asdict() for bucket in arrears.overdue],
        "oldest_due_on": None if oldest is None else oldest.isoformat(),
    }


def line_document(row: Any, day: date) -> dict[str, Any]:
    """One receipt line with its due day, and what of it was given back and paid."""
    open_fen = int(row["open_fen"])
    return {
        "payee_id": row["payee_id"],
        "order_id": row["order_id"],
        "receipt_id": row["receipt_id"],
        "order_line_id": row["order_line_id"],
        "product_id": row["product_id"],
        "quantity": format_quantity(row["accepted"]),
        "unit_price": format_quantity(row["sale_price"]),
        "accepted_on": row["accepted_on"].isoformat(),
        "due_on": row["due_on"].isoformat(),
        "amount_fen": int(row["amount_fen"]),
        "returned_fen": int(row["returned_fen"]),
        "paid_fen": int(row["paid_fen"]),
        "open_fen": open_fen,
        "overdue_days": overdue_days(row["due_on"], day) if open_fen else 0,
    }

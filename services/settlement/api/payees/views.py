"""Accounts, payments and files as documents (收款账户、支付、支付文件视图)."""

from __future__ import annotations

from typing import Any

from services.settlement.api.payees.access import number_for
from services.settlement.domain.explaining import yuan
from services.settlement.projections.payment_files import PaymentFile
from shared.kernel.clock import local_text
from shared.runtime.actors import Actor


def account_document(row: Any, actor: Actor) -> dict[str, Any]:
    """A payee's account as it stands."""
    return {
        "payee_id": row["payee_id"],
        "version": row["version"],
        **_account(row, actor),
        "blocked": row["is_blocked"],
        "reason": row["reason"],
        "set_at": local_text(row["set_at"]),
        "set_by": row["set_by"],
    }


def payment_document(row: Any, actor: Actor) -> dict[str, Any]:
    """A payment; `account` is where it was sent, null where none was registered."""
    value_date = row["value_date"]
    return {
        "payment_id": row["payment_id"],
        "statement_id": row["statement_id"],
        "hospital_id": row["hospital_id"],
        "payee_id": row["payee_id"],
        "pool": row["pool"],
        "month": row["month"],
        "state": row["state"],
        "amount_fen": row["from_prepaid_fen"] + row["from_fund_fen"],
        "from_prepaid_fen": row["from_prepaid_fen"],
        "from_fund_fen": row["from_fund_fen"],
        "account": None if row["account_version"] is None else _account(row, actor),
        "file_id": row["file_id"],
        "ordered_at": local_text(row["ordered_at"]),
        "bank_reference": row["bank_reference"],
        "value_date": None if value_date is None else value_date.isoformat(),
        "reason": row["reason"],
    }


def file_line(row: Any) -> dict[str, Any]:
    """One row of a file as finance has it and as it is hashed: nothing in it ever changes."""
    fen = row["from_prepaid_fen"] + row["from_fund_fen"]
    remark = f"{row['month']} 带量采购货款"
    if row["account_version"] is None:
        remark = f"收款方未登记账户; {remark}"
    return {
        "payment_id": row["payment_id"],
        "payee_id": row["payee_id"],
        "account_name": row["account_name"],
        "account_number": row["account_number"],
        "bank_name": row["bank_name"],
        "bank_code": row["bank_code"],
        "assignee": row["assignee_name"],
        "assignment_contract": row["assignee_contract"],
        "amount": yuan(fen),
        "from_fund": yuan(row["from_fund_fen"]),
        "from_prepaid": yuan(row["from_prepaid_fen"]),
        "statement_id": row["statement_id"],
        "month": row["month"],
        "hospital_id": row["hospital_id"],
        "remark": remark,
    }


def line_for(actor: Actor, line: dict[str, Any]) -> dict[str, Any]:
    """A row as this caller may see it."""
    number = number_for(actor, line["payee_id"], line["account_number"])
    return {**line, "account_number": number}


def file_document(file: PaymentFile, states: dict[str, tuple[int, int]]) -> dict[str, Any]:
    """The head of a file, and what has become of its payments."""
    return {
        "file_id": file.file_id,
        "pool": file.pool,
        "payments": file.payments,
        "total_fen": file.total_fen,
        "total": yuan(file.total_fen),
        "sha256": file.sha256,
        "salt": file.salt,
        "issued_at": local_text(file.issued_at),
        "issued_by": file.issued_by,
        "states": {
            state: {"payments": payments, "amount_fen": fen}
            for state, (payments, fen) in sorted(states.items())
        },
    }


def _account(row: Any, actor: Actor) -> dict[str, Any]:
    assignee = None
    if row["assignee_name"] is not None:
        assignee = {"name": row["assignee_name"], "contract": row["assignee_contract"]}
    return {
        "account_name": row["account_name"],
        "account_number": number_for(actor, row["payee_id"], row["account_number"]),
        "bank_name": row["bank_name"],
        "bank_code": row["bank_code"],
        "assignee": assignee,
    }

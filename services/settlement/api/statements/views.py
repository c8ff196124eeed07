"""Statements as documents (对账单文档)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.settlement.api.judged import state_of
from services.settlement.api.statements.access import no_statement
from services.settlement.domain.rules import SETTLING
from services.settlement.domain.statement import WAITING, Payment, StatementStream, stream_of
from services.settlement.policy import StatementTerms, statement_terms
from services.settlement.projections.statement_lines import lines_of
from shared.kernel.clock import local_text
from shared.kernel.quantity import format_quantity
from shared.runtime.room import Room

_WAITS_FOR = {"draft": "hospital", "hospital_confirmed": "payee", "confirmed": "bureau"}


async def statement_now(room: Room, statement_id: str) -> dict[str, Any]:
    """One statement as it stands, for whom it is known to be visible."""
    state = await state_of(room, stream_of(statement_id))
    if not isinstance(state, StatementStream):
        raise no_statement()
    lines = await lines_of(room.pool, [statement_id])
    return statement_document(state, lines[statement_id], statement_terms(room.policy))


def decoded(raw: bytes) -> StatementStream:
    """A statement's stored state."""
    state = SETTLING.decode(raw)
    assert isinstance(state, StatementStream)
    return state


def statement_document(
    state: StatementStream, lines: Sequence[Any], terms: StatementTerms
) -> dict[str, Any]:
    """The members that the contract names, and nothing else than what both sides may read."""
    return {
        "statement_id": state.statement_id,
        "hospital_id": state.hospital_id,
        "payee_id": state.payee_id,
        "month": state.month,
        "pool": state.pool,
        "held": state.is_held,
        "state": state.state,
        "receipts_fen": state.receipts_fen,
        "returns_fen": state.returns_fen,
        "carried_fen": state.carried_fen,
        "total_fen": state.total_fen,
        "lines": [line_document(line) for line in lines],
        "payment": payment_document(state.payments[-1]) if state.payments else None,
        "history": [
            {"type": step.type, "at": local_text(step.at), "by": step.by} for step in state.history
        ],
        "due": _due(state, terms),
        "drafted_at": local_text(state.drafted_at),
    }


def line_document(line: Any) -> dict[str, Any]:
    """One line; of a return the amount is negative, the quantity as it was sent."""
    return {
        "line_id": str(line["line"]),
        "kind": "return" if line["return_id"] else "receipt",
        "receipt_id": line["receipt_id"],
        "return_id": line["return_id"] or None,
        "order_id": line["order_id"],
        "order_line_id": line["order_line_id"],
        "product_id": line["product_id"],
        "quantity": format_quantity(line["quantity"]),
        "unit_price": format_quantity(line["unit_price"]),
        "amount_fen": line["amount_fen"],
        "state": "disputed" if line["is_disputed"] else "settled",
    }


def payment_document(payment: Payment) -> dict[str, Any]:
    """The last order to the bank."""
    return {
        "payment_id": payment.payment_id,
        "from_prepaid_fen": payment.from_prepaid_fen,
        "from_fund_fen": payment.from_fund_fen,
        "state": payment.state,
        "bank_reference": payment.bank_reference,
    }


def _due(state: StatementStream, terms: StatementTerms) -> dict[str, Any]:
    """Who is waited for, and until when; empty where nobody is."""
    if state.state not in WAITING or state.total_fen <= 0 or state.due is None:
        return {}
    return {
        "at": local_text(state.due),
        "of": _WAITS_FOR[state.state],
        "working_days": terms.patience(state.state),
        "began_at": local_text(state.began),
    }

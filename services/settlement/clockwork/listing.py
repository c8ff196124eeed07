"""The rows that facts of statements leave behind (对账登记), for lists and for what is done to many."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from services.settlement.domain.statement import StatementStream
from services.settlement.projections.disputes import Dispute, insert_disputes, resolve_dispute
from services.settlement.projections.payments import (
    Ordered,
    Reported,
    insert_payments,
    report_payments,
)
from services.settlement.projections.statement_lines import Mark, free_disputed, mark_disputed
from services.settlement.projections.statements import update_statements
from services.settlement.projections.suspensions import insert_suspension, lift_suspension
from services.settlement.sets.carrying import let_totals_wait
from shared.events import statements as facts
from shared.runtime.judging import Batch

Told = Mapping[str, list[tuple[str, Any]]]
"""Facts by type, each with its stream."""


async def list_statement_facts(tx: Any, told: Told, batch: Batch[Any, Any]) -> None:
    """Bring every table up to these facts; a draft has written its own rows."""
    if not told:
        return
    await update_statements(tx, _changed(told, batch))
    await let_totals_wait(
        tx,
        [
            (one.statement_id, one.hospital_id, one.payee_id, one.total_fen)
            for one in _facts(told, facts.STATEMENT_CARRIED)
        ],
    )
    await _payments(tx, told)
    await _disputes(tx, told)
    await _suspensions(tx, told)


def _facts(told: Told, type_: str) -> list[Any]:
    return [fact for _, fact in told.get(type_, [])]


def _changed(told: Told, batch: Batch[Any, Any]) -> list[StatementStream]:
    """The statements that something happened to after their draft."""
    streams = {
        stream
        for type_, found in told.items()
        if type_ != facts.STATEMENT_DRAFTED
        for stream, _ in found
    }
    states = [batch.state_of(stream) for stream in streams]
    return [state for state in states if isinstance(state, StatementStream)]


async def _payments(tx: Any, told: Told) -> None:
    await insert_payments(
        tx,
        [
            Ordered(
                one.payment_id,
                one.statement_id,
                one.from_prepaid_fen,
                one.from_fund_fen,
                one.at,
                None if one.account is None else one.account.version,
            )
            for one in _facts(told, facts.PAYMENT_ORDERED)
        ],
    )
    await report_payments(
        tx,
        [
            Reported(
                one.payment_id,
                one.result,
                one.bank_reference,
                None if one.value_date is None else date.fromisoformat(one.value_date),
                one.reason,
            )
            for one in _facts(told, facts.PAYMENT_REPORTED)
        ],
    )


async def _disputes(tx: Any, told: Told) -> None:
    opened = [
        Dispute(
            one.dispute_id,
            one.statement_id,
            one.hospital_id,
            one.payee_id,
            one.line_ids,
            one.reason,
            one.at,
            one.by,
        )
        for one in _facts(told, facts.DISPUTE_OPENED)
    ]
    if opened:
        await insert_disputes(tx, opened)
    await mark_disputed(
        tx,
        [
            Mark(one.statement_id, int(line), one.dispute_id, one.at if one.is_along else None)
            for one in _facts(told, facts.LINES_DISPUTED)
            for line in one.line_ids
        ],
    )
    resolved = _facts(told, facts.DISPUTE_RESOLVED)
    for one in resolved:
        await resolve_dispute(tx, one.dispute_id, one.outcome)
    await free_disputed(
        tx,
        [(one.statement_id, one.dispute_id, one.at) for one in resolved if one.outcome == "settle"],
    )


async def _suspensions(tx: Any, told: Told) -> None:
    for one in _facts(told, facts.SUSPENSION_ORDERED):
        await insert_suspension(
            tx, one.suspension_id, one.payee_id, one.scope, one.scope_id, one.begins_at
        )
    for one in _facts(told, facts.SUSPENSION_LIFTED):
        await lift_suspension(tx, one.suspension_id, one.at)

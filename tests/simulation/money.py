"""What settlement keeps (应付、匹配、对账单): accruals, matched lines, and the statements of a month."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from services.settlement.consumer.accruing import hear as hear_accruals
from services.settlement.consumer.matching import hear_lines
from services.settlement.domain.drafting import (
    Pair,
    Sums,
    carried_forward,
    draft_instant,
    drafted,
    month_before,
)
from services.settlement.domain.matching import Invoiced, Matched, match
from services.settlement.domain.month import end_of
from services.settlement.domain.receipts import InvoiceLine, ReceiptLine
from services.settlement.domain.statement import OPEN, StatementStream, stream_of
from shared.events.envelope import Record
from shared.kernel.clock import day_start, local_day
from shared.kernel.quantity import amount_fen
from shared.runtime.judging import Batch
from tests.simulation.ground import STATEMENT_TERMS
from tests.simulation.tables import Transaction
from tests.simulation.years import calendar_of, keep_year

KeyOf = Callable[[InvoiceLine, int], Any]


def by_business_key(line: InvoiceLine, _place: int) -> Any:
    """An invoice line counts once, however often it is told."""
    return line[:3]


def fold_money(
    tx: Transaction, records: Sequence[Record], *, invoice_key: KeyOf = by_business_key
) -> None:
    """Accrue what was received, and keep what stands to be matched."""
    for record in records:
        tx.put("heard", (record.stream, record.version), True)
    keep_year(tx, records)
    accruals = hear_accruals(records)
    if accruals:
        batch = tx.batch(tx.clock)
        for sent in accruals:
            verdict = batch.judge(sent)
            assert verdict.refusal is None, f"{sent.event_id}: {verdict.refusal}"
    heard = hear_lines(records)
    for receipt in heard.receipts:
        if tx.get("receipts", receipt[:3]) is None:
            tx.put("receipts", receipt[:3], receipt)
    for invoice in heard.invoices:
        key = invoice_key(invoice, sum(1 for _ in tx.rows("invoices")))
        tx.put("invoices", key, invoice)
    for back in heard.returns:
        tx.put("returns", back[:3], back)


def close_month(tx: Transaction, at: datetime) -> bool:
    """Draft the month before, where this is the instant; one step here, for it is one transaction."""
    month = _month_due(tx, at)
    if month is None:
        return True
    batch = tx.batch(at)
    for _, statement_id in list(tx.rows("statements")):
        _carry_forward(tx, batch, statement_id, at)
    _draft(tx, batch, month, at)
    tx.put("drafts", month, at)
    return True


def matched(tx: Transaction, receipt: ReceiptLine) -> Matched | None:
    """What a receipt line is matched at, if it is."""
    invoices = [
        Invoiced(
            one.kind, one.quantity, one.unit_price, one.occurred_at, one.version, one.return_id
        )
        for _, one in tx.rows("invoices")
        if (one.order_id, one.receipt_id, one.order_line_id) == receipt[:3]
    ]
    found = match(receipt.accepted, receipt.selected_price, invoices)
    return found if isinstance(found, Matched) else None


def _month_due(tx: Transaction, at: datetime) -> str | None:
    day = local_day(at)
    if at != day_start(day):
        return None
    month = month_before(day)
    if tx.get("drafts", month) is not None:
        return None
    instant = draft_instant(month, calendar_of(tx), STATEMENT_TERMS)
    was_there = any(closed <= instant for closed, _ in tx.rows("closes"))
    return month if instant == at or (instant < at and was_there) else None


def _carry_forward(
    tx: Transaction, batch: Batch[Any, Any], statement_id: str, at: datetime
) -> None:
    stream = stream_of(statement_id)
    state: StatementStream = batch.state_of(stream)
    if state.state not in OPEN or state.total_fen > 0 or state.drafted_at >= at:
        return
    pair = (state.hospital_id, state.payee_id)
    tx.put("carried", statement_id, (pair, state.total_fen, None))
    batch.apply(stream, lambda state: carried_forward(state, at))


def _draft(tx: Transaction, batch: Batch[Any, Any], month: str, at: datetime) -> None:
    claims = list(_claims(tx, end_of(month)))
    sums: dict[Pair, Sums] = {}
    for key, pair, fen in claims:
        added = sums.setdefault(pair, Sums())
        if key[3]:
            added.return_lines, added.returns_fen = added.return_lines + 1, added.returns_fen + fen
        else:
            added.receipt_lines += 1
            added.receipts_fen += fen
    for statement_id, (whose, fen, into) in list(tx.rows("carried")):
        added_to = sums.get(Pair(*whose, False))
        if into is None and added_to is not None:
            added_to.carried_fen += fen
            added_to.carried.append(statement_id)
    for pair, added in sorted(sums.items()):
        decided = drafted(pair, month, added, at, calendar_of(tx), STATEMENT_TERMS)
        name = decided.fact.statement_id
        batch.record(stream_of(name), decided)
        tx.put("statements", (at, name), name)
        for statement_id in added.carried:
            whose, fen, _ = tx.get("carried", statement_id)
            tx.put("carried", statement_id, (whose, fen, name))
        for key, of, fen in claims:
            if of == pair:
                assert tx.get("claims", key) is None, f"{key} is settled twice"
                tx.put("claims", key, (name, fen))


def _claims(
    tx: Transaction, ends: datetime
) -> Iterable[tuple[tuple[str, str, str, str], Pair, int]]:
    """The lines that no statement has yet: receipts that match, and returns of claimed ones."""
    prices = {}
    for key, receipt in tx.rows("receipts"):
        pair = Pair(receipt.hospital_id, receipt.payee_id, False)
        found = matched(tx, receipt)
        if tx.get("claims", (*key, "")) is not None:
            prices[key] = tx.get("prices", key)
        elif found is not None and receipt.occurred_at < ends:
            prices[key] = found.unit_price
            tx.put("prices", key, found.unit_price)
            yield (*key, ""), pair, found.amount_fen
    for _, back in tx.rows("returns"):
        key = (back.order_id, back.receipt_id, back.order_line_id)
        claim = (*key, back.return_id)
        if key in prices and back.occurred_at < ends and tx.get("claims", claim) is None:
            pair = Pair(back.hospital_id, back.payee_id, False)
            yield claim, pair, amount_fen(-back.quantity, prices[key])

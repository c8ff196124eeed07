"""What has to add up (合计核对): rates within their lines, regions within the province, money to the fen."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any, Final

import msgspec

from services.settlement.domain.matching import Invoiced, Matched, match
from services.settlement.domain.month import end_of
from shared.events.orders import (
    INVOICE_REGISTERED,
    RECEIVED,
    InvoiceRegistered,
    Received,
    ReceivedLine,
)
from shared.events.settlement import FACTS, LINE_ACCRUED
from shared.kernel.quantity import amount_fen
from tests.simulation.days import measured, rate_of
from tests.simulation.province import Province
from tests.simulation.tables import Transaction

_EVER: Final = (date.min, date.max)
_received = msgspec.json.Decoder(Received)
_invoiced = msgspec.json.Decoder(InvoiceRegistered)


def check_rates(province: Province) -> None:
    """Hits are counted lines, goods are ordered goods, and the regions add up to the province."""
    lines = measured(Transaction(province.alerts, province.now))
    for _, one in lines:
        assert one.accepted <= one.answered <= one.answer_counted, one
        assert one.on_time <= one.on_time_first <= one.delivery_counted, one
        assert 0 <= one.dispatched <= one.ordered, one
        assert 0 <= one.received <= one.ordered, one
    for rate in ("response", "on_time"):
        whole = rate_of(lines, rate, *_EVER)
        assert 0 <= whole.numerator <= whole.denominator, f"{rate}: {whole}"
        parts = [
            rate_of((x for x in lines if x.subject.division == division), rate, *_EVER)
            for division in {line.subject.division for line in lines}
        ]
        added = (sum(x.numerator for x in parts), sum(x.denominator for x in parts))
        assert added == (whole.numerator, whole.denominator), f"{rate}: {added} of {whole}"


def check_money(province: Province) -> None:
    """What was received is accrued; what matches is claimed once; what is claimed is what is paid."""
    received = _received_lines(province)
    _check_accruals(province, received)
    claims = province.settlement.table("claims")
    drafts = province.settlement.table("drafts")
    if drafts:
        _check_claims(province, received, claims, end_of(max(drafts)))
    _check_ledger(province, claims)


def _received_lines(province: Province) -> dict[tuple[str, str, str], tuple[Any, ReceivedLine]]:
    found = {}
    for record in province.orders.log:
        if record.type == RECEIVED:
            fact = _received.decode(record.fact)
            for line in fact.received:
                if line.accepted > 0 and line.supplier_role == "main":
                    key = (fact.order_id, fact.receipt_id, line.line_id)
                    found[key] = (record.occurred_at, line)
    return found


def _check_accruals(province: Province, received: dict[tuple[str, str, str], Any]) -> None:
    assert province.settlement.journal is not None
    decode = msgspec.json.Decoder(FACTS[LINE_ACCRUED]).decode
    accrued = [decode(r.fact) for r in province.settlement.journal.log if r.type == LINE_ACCRUED]
    told = {(x.order_id, x.receipt_id, x.order_line_id): x.amount_fen for x in accrued}
    meant = {key: amount_fen(x.accepted, x.unit_price) for key, (_, x) in received.items()}
    assert len(told) == len(accrued), f"accrued twice: {accrued}"
    assert told == meant, f"accrued {told}, received {meant}"


def _check_claims(
    province: Province,
    received: dict[tuple[str, str, str], Any],
    claims: dict[tuple[str, str, str, str], tuple[str, int]],
    ends: Any,
) -> None:
    invoices = defaultdict(list)
    for record in province.orders.log:
        if record.type == INVOICE_REGISTERED:
            fact = _invoiced.decode(record.fact)
            for line in fact.lines:
                invoices[fact.order_id, fact.receipt_id, line.line_id].append(
                    Invoiced(
                        fact.kind,
                        line.quantity,
                        line.unit_price,
                        record.occurred_at,
                        record.version,
                        fact.return_id,
                    )
                )
    claimed = {key[:3]: fen for key, (_, fen) in claims.items() if not key[3]}
    matched = {}
    for key, (occurred_at, line) in received.items():
        found = match(line.accepted, line.selected_price, invoices[key])
        if isinstance(found, Matched) and (occurred_at < ends or key in claimed):
            matched[key] = found.amount_fen
    late = matched.keys() - claimed.keys()
    assert claimed.items() <= matched.items(), f"claimed {claimed}, matched {matched}"
    assert not [key for key in late if _is_old(province, key)], f"{late} were never claimed"


def _is_old(province: Province, key: tuple[str, str, str]) -> bool:
    """Whether everything about a line was recorded before the last draft looked."""
    last = max(province.settlement.table("drafts").values())
    return all(
        record.recorded_at < last
        for record in province.orders.log
        if record.stream == key[0] and record.type in (RECEIVED, INVOICE_REGISTERED)
    )


def _check_ledger(province: Province, claims: dict[Any, tuple[str, int]]) -> None:
    journal, balances = province.settlement.journal, province.settlement.table("balances")
    assert journal is not None
    assert sum(balances.values()) == 0, f"the books do not balance: {balances}"
    sums: dict[str, int] = defaultdict(int)
    for name, fen in claims.values():
        sums[name] += fen
    owed: dict[str, int] = defaultdict(int)
    for _, (_, fen, into) in province.settlement.table("carried").items():
        if into is not None:
            sums[into] += fen
    for name in province.settlement.table("statements").values():
        state = journal.decider.decode(journal.rows[f"statement-{name}"].state)
        assert state.total_fen == sums[name], f"{name}: {state.total_fen}, its lines {sums[name]}"
        if state.state in ("approved", "paying", "paid"):
            owed[f"hospital:{state.hospital_id}:goods_receivable"] += state.total_fen
        if state.state == "paid":
            owed[f"fund:{state.pool}:bank"] -= state.total_fen
        elif state.state in ("approved", "paying"):
            owed[f"enterprise:{state.payee_id}:payable"] -= state.total_fen
    told = {account: fen for account, fen in balances.items() if fen}
    assert told == {k: v for k, v in owed.items() if v}, (
        f"the books say {told}, owed is {dict(owed)}"
    )

"""What clerks and banks do with statements (对账与支付), and the ledger that follows from it (记账)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from services.settlement.domain.ledger import Entry, check
from services.settlement.domain.posting import POSTING, entries_of
from services.settlement.domain.statement import StatementStream, stream_of
from services.settlement.domain.stepping import BankWord, approve, confirm, pay, report
from shared.events.settlement import FACTS
from shared.kernel.calendar import WorkCalendar
from shared.kernel.decider import Decided
from shared.kernel.errors import Refusal
from shared.runtime.judging import Batch
from tests.simulation.ground import STATEMENT_TERMS
from tests.simulation.tables import Transaction
from tests.simulation.years import calendar_of

STEPS = ("hospital", "payee", "approve", "pay", "paid", "failed")


def step_on(tx: Transaction, number: int, step: str) -> bool:
    """One clerk's step on one statement, and what it posts; False where it is refused."""
    names = [name for _, name in tx.rows("statements")]
    if not names:
        return False
    batch = tx.batch(tx.clock)
    try:
        stream = stream_of(names[number % len(names)])
        batch.apply(stream, lambda state: _decided(state, step, tx.clock, calendar_of(tx)))
    except Refusal:
        batch.events.clear()
        batch.streams.clear()
        return False
    post(tx, batch)
    return True


def _decided(
    state: StatementStream, step: str, now: datetime, calendar: WorkCalendar
) -> Sequence[Decided]:
    match step:
        case "hospital":
            return confirm(state, "hospital", "h", now, calendar, STATEMENT_TERMS)
        case "payee":
            return confirm(state, "payee", "d", now, calendar, STATEMENT_TERMS)
        case "approve":
            return approve(state, "zhang", "b", now, is_suspended=False)
        case "pay":
            return pay(state, "li", "f", now, is_suspended=False, prepaid_fen=0)
    if not state.payments:
        return []
    word = BankWord(state.payments[-1].payment_id, step)  # type: ignore[arg-type]
    return report(state, word, "bank", now, is_suspended=False)


def post(tx: Transaction, batch: Batch[Any, Any]) -> None:
    """The entries of what the batch has recorded, with it: each key once, both sides equal."""
    for event in batch.events:
        if event.type not in POSTING:
            continue
        for entry in entries_of(
            event.type, msgspec.json.decode(event.fact, type=FACTS[event.type])
        ):
            _write(tx, entry)


def _write(tx: Transaction, entry: Entry) -> None:
    check(entry)
    assert tx.get("entries", entry.key) is None, f"{entry.key} is posted twice"
    tx.put("entries", entry.key, entry)
    for one in entry.postings:
        balance = tx.get("balances", one.account) or 0
        tx.put("balances", one.account, balance + one.debit_fen - one.credit_fen)

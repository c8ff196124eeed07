"""Which entries a fact causes (记账规则): one place for all kinds of facts. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from services.settlement.domain.ledger import Entry
from services.settlement.domain.offset import entry_of_offset
from services.settlement.domain.prepayment import entry_of_prepayment
from services.settlement.domain.retaining import entry_for
from services.settlement.domain.reversal import entry_of_reversal
from services.settlement.domain.routing import (
    entry_of_approval,
    entry_of_hold,
    entry_of_payment,
    entry_of_release,
)
from shared.events import settlement as facts
from shared.events import statements

_CAUSED: Final[dict[str, Callable[[Any], Entry | None]]] = {
    facts.OFFSET_POSTED: entry_of_offset,
    facts.PREPAYMENT_MADE: entry_of_prepayment,
    facts.ENTRY_REVERSED: entry_of_reversal,
    facts.RETENTION_CALCULATED: entry_for,
    statements.STATEMENT_APPROVED: entry_of_approval,
    statements.STATEMENT_HELD: entry_of_hold,
    statements.STATEMENT_RELEASED: entry_of_release,
    statements.PAYMENT_REPORTED: entry_of_payment,
}

POSTING: Final = frozenset(_CAUSED)
"""The types whose facts cause entries: the many others are not even decoded."""


def entries_of(type_: str, fact: Any) -> list[Entry]:
    """The entries that are posted with a fact of this type, in its own transaction."""
    entry = _CAUSED[type_](fact)
    return [] if entry is None else [entry]

"""Which lines wait for a word of their distributor (待响应明细), whatever order its facts came in.

A line begins to wait when its order arrives, and stops for ever with the first answer, dispatch or
cancellation known: judged in time or not, its distributor need not be told of it.
"""

from __future__ import annotations

from datetime import datetime

from services.alerts.domain.line import LineFacts


def waits(facts: LineFacts) -> bool:
    """Whether anybody may still have to be told that nobody answered (待响应)."""
    terms = facts.terms
    return (
        terms is not None
        and terms.in_time
        and not terms.back_entered
        and facts.answer is None
        and facts.cancel is None
        and not facts.shipments
    )


def is_late(facts: LineFacts, at: datetime) -> bool:
    """Whether a line has waited longer than sent + 48 h by this instant (超时未响应)."""
    return facts.terms is not None and facts.terms.answer_due < at and waits(facts)

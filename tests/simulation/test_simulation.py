"""Two hundred seeds of the simulation; `make simulate SEEDS=10000` runs the rest."""

from __future__ import annotations

from collections import Counter

from services.alerts.policy import CONCENTRATION_RULE
from shared.events import alerts, feedback, orders, settlement, statements
from tests.simulation.drawing import drawn
from tests.simulation.province import Province
from tests.simulation.simulation import tried_seed
from tests.simulation.steps import Post
from tests.simulation.telling import words_of

SEEDS = 200


def test_whatever_happens_a_province_is_what_its_facts_make_it() -> None:
    """No seed breaks an invariant, and between them they see all that the invariants are about."""
    seen: Counter[str] = Counter()
    for seed in range(SEEDS):
        province = tried_seed(seed)
        assert isinstance(province, Province), f"seed {seed}: {province}"
        seen.update(_seen(province))
    for rare in (
        orders.LINE_VOIDED, orders.DUE_MOVED, feedback.DEADLINE_MOVED, orders.RECEIVED, orders.INVOICE_REGISTERED, orders.RETURN_ANSWERED,
        feedback.ESCALATED, feedback.PROVINCE_OVERDUE, feedback.PROMISE_BROKEN, feedback.REOPENED,
        alerts.ALERT_RAISED, alerts.LATE_LIST_ISSUED, CONCENTRATION_RULE, settlement.LINE_ACCRUED,
        statements.STATEMENT_DRAFTED, statements.PAYMENT_REPORTED,
        "duplicate", "conflicting_duplicate", "rejected",
    ):  # fmt: skip
        assert seen[rare] > 3, f"{rare} was seen {seen[rare]} times"


def _seen(province: Province) -> Counter[str]:
    journals = [*province.outside.values(), province.alerts.journal, province.settlement.journal]
    records = [record for journal in journals if journal is not None for record in journal.log]
    seen = Counter(record.type for record in records)
    seen[CONCENTRATION_RULE] = sum(CONCENTRATION_RULE.encode() in one.fact for one in records)
    for _, status, code in province.senders.verdicts:
        seen.update({status, *([] if code is None else [code])})
    return seen


def test_a_seed_tells_the_same_story_for_ever_and_it_is_long_enough() -> None:
    """A seed in a report has to mean the same tomorrow."""
    for seed in range(50):
        start, steps = drawn(seed)
        assert (start, steps) == drawn(seed)
        assert len(steps) >= 30
        assert any(isinstance(step, Post) for step in steps)


def test_every_step_of_a_story_has_its_words() -> None:
    """A story is read by people: a line for each step, and for its beginning and end."""
    for seed in range(50):
        story = drawn(seed)
        assert len(list(words_of(story))) == len(story[1]) + 2

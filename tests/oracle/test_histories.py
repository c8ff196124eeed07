"""The generated histories are repeatable, play in order, and reach every verdict and every flag."""

from collections import Counter
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle.figures import LINE_RATES, Question, evidence, scorecard, subjects
from tests.oracle.histories import history
from tests.oracle.replay import play, played
from tests.oracle.shape import TYPES
from tests.oracle.verdicts import RETRYABLE

CODES = {
    *RETRYABLE,
    *("malformed", "not_yours", "conflicting_duplicate", "occurred_in_future"),
    *("required_by_in_past", "unknown_hospital", "unknown_distributor", "unknown_product"),
    *("order_exists", "already_exists", "already_arrived", "already_received", "unknown_line"),
    *("line_cancelled", "line_void", "already_answered", "already_cancelled"),
    *("already_dispatched", "product_suspended", "quantity_mismatch", "return_exceeds_receipt"),
    "nothing_to_cancel",
}
FLAGS = {
    *("dispatched_after_refusal", "over_delivered", "price_above_selected"),
    *("reported_late", "back_entered"),
}


def test_a_seed_always_tells_the_same_history() -> None:
    assert history(3, orders=10).steps == history(3, orders=10).steps
    assert history(3, orders=10).steps != history(4, orders=10).steps


def test_every_code_type_and_flag_occurs_within_a_few_seeds() -> None:
    codes: Counter[str] = Counter()
    flags: set[str] = set()
    types: set[str] = set()
    roles: set[str] = set()
    for seed in range(8):
        model, _, told = played(history(seed))
        codes.update(verdict.code or verdict.status for _, verdict in told)
        flags |= {flag for fact in model.facts for flag in fact.flags}
        types |= {fact.type for fact in model.facts}
        for stream in model.streams.values():
            roles |= {line["supplier_role"] for line in stream[0].known["lines"].values()}
    assert set(codes) >= CODES | {"accepted", "duplicate"}, (CODES - set(codes), codes)
    assert flags == FLAGS
    assert types == {*TYPES, "jicai.order.line_voided.v1"}
    assert roles == {"main", "backup", "none"}


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), importer=st.booleans())
def test_histories_hold_together(seed: int, importer: bool) -> None:
    made = history(seed, orders=12, days=20, importer=importer)
    now, model = made.start, None
    for step in play(made):
        assert step.now >= now
        now, model = step.now, step.model
    assert model is not None
    assert [fact.recorded_at for fact in model.facts] == sorted(
        fact.recorded_at for fact in model.facts
    )
    voids = [fact for fact in model.facts if fact.type.endswith("line_voided.v1")]
    assert not any(model.streams[fact.order_id][0].importer for fact in voids)


def test_parts_add_up_to_the_total() -> None:
    model, now, _ = played(history(11))
    year = {"window": "2026", "as_of": date(2026, 12, 31)}
    assert now.date() < date(2026, 12, 31)
    whole = scorecard(model, Question(**year))["rates"]
    for kind in ("distributor", "manufacturer", "product"):
        names = subjects(model, Question(subject=kind, **year))
        cards = [scorecard(model, Question(subject=kind, id=name, **year)) for name in names]
        for rate in LINE_RATES:
            parts = [card["rates"][rate] for card in cards]
            assert sum(part["numerator"] for part in parts) == whole[rate]["numerator"]
            assert sum(part["denominator"] for part in parts) == whole[rate]["denominator"]
    assert all(
        one.outcome == ("hit" if one.numerator == one.denominator else "miss")
        for one in evidence(model, Question(**year), "delivery")
    )

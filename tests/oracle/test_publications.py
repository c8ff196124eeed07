"""Publications of the oracle, worked by hand: frozen for ever, restated with their causes."""

from dataclasses import replace
from datetime import date

from tests.oracle.facts import PLATFORM
from tests.oracle.figures import LINE_RATES, scorecard
from tests.oracle.histories import history
from tests.oracle.publications import OF_A_RATE, Publication, restatements
from tests.oracle.ratios import Rate
from tests.oracle.replay import played
from tests.oracle.town import HOUR, SENT, D, H, M, Tale, day

JANUARY = Publication("2026-01", date(2026, 1, 19), day(20))


def changes(tale: Tale) -> dict[str, tuple[Rate, Rate, frozenset[tuple[str, str | None]]]]:
    """The restatements about the distributor, by rate."""
    return {
        one.rate: (one.published, one.now, one.may_have_caused)
        for one in restatements(tale.model, JANUARY)
        if one.subject == "distributor"
    }


def test_a_receipt_after_the_publication_restates_and_is_the_cause() -> None:
    tale = Tale()
    tale.place()
    tale.answer(SENT + HOUR)
    tale.send(SENT + HOUR)
    tale.arrive(SENT + 2 * HOUR, proof=False)
    frozen = scorecard(tale.model, JANUARY.question())
    assert restatements(tale.model, JANUARY) == []
    tale.receive(day(20), arrived_at=day(9, 8).isoformat())
    cause = frozenset({(f"urn:jicai:{H}", f"{H}-1#5")})
    assert changes(tale) == {
        "on_time": (Rate(1, 1), Rate(0, 1), cause),
        "on_time_first": (Rate(1, 1), Rate(0, 1), cause),
        "receipt": (Rate(0, 1_000_000), Rate(1_000_000, 1_000_000), cause),
    }
    assert scorecard(tale.model, JANUARY.question()) == frozen
    found = {(one.subject, one.id) for one in restatements(tale.model, JANUARY)}
    assert found == {("distributor", D), ("manufacturer", M), ("product", "P"), ("total", "total")}


def test_a_fact_recorded_just_before_the_instant_is_in_the_publication() -> None:
    tale = Tale()
    tale.place()
    tale.send(SENT + HOUR)
    tale.receive(day(20) - HOUR, SENT + 2 * HOUR)
    assert restatements(tale.model, JANUARY) == []
    assert scorecard(tale.model, JANUARY.question())["rates"]["on_time"]["numerator"] == 1


def test_an_order_imported_afterwards_restates_from_nothing() -> None:
    tale = Tale(importer=True)
    tale.place(day(21), SENT)
    cause = frozenset({(f"urn:jicai:{H}", f"{H}-1#1")})
    found = changes(tale)
    assert found["response"] == (Rate(0, 0), Rate(0, 1), cause)
    assert found["response_orders_ytd"] == (Rate(0, 0), Rate(0, 1), cause)
    assert found["delivery"] == (Rate(0, 0), Rate(0, 1_000_000), cause)


def test_an_excuse_borne_out_afterwards_is_caused_by_the_cancellation() -> None:
    tale = Tale(importer=True)  # so that the line is not void by then
    tale.place()
    tale.answer(SENT + HOUR, "refused", reason_code="hospital_request")
    tale.cancel(day(22), line_ids=["L1"])
    cause = frozenset({(f"urn:jicai:{H}", f"{H}-1#3")})
    assert changes(tale)["response"] == (Rate(0, 1), Rate(0, 0), cause)


def test_a_return_an_invoice_and_a_void_restate_nothing() -> None:
    tale = Tale()
    tale.place(lines=[Tale.line(), Tale.line("L2")])
    early = replace(JANUARY, as_of=date(2026, 1, 9), at=day(10))
    tale.send(SENT + HOUR)
    tale.receive(SENT + 2 * HOUR)
    rows = [{"line_id": "L1", "quantity": "1"}]
    asked = {"receipt_id": "R1", "return_id": "T1", "lines": rows, "reason": "x"}
    assert tale.post("hospital", "return.requested", day(21), **asked).status == "accepted"
    tale.model.advance(day(21))
    assert any(fact.source == PLATFORM for fact in tale.model.facts)  # L2 is void
    assert restatements(tale.model, early) == restatements(tale.model, JANUARY) == []


def test_every_restatement_of_a_history_has_a_cause_that_may_enter_a_rate() -> None:
    told = history(11, orders=20, importer=True)
    model, _, _ = played(told)
    run = Publication("2025Q4", told.start.date() - 24 * HOUR, told.start + HOUR / 12)
    found = restatements(model, run)
    assert {one.rate for one in found} >= set(LINE_RATES)
    types = {(fact.source, fact.id): fact for fact in model.facts}
    for one in found:
        assert one.published != one.now
        assert one.may_have_caused
        causes = [types[cause] for cause in one.may_have_caused]
        assert all(fact.recorded_at >= run.at and fact.type in OF_A_RATE for fact in causes)

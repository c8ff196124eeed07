"""Verdicts, voids, flags and arrivals, each worked by hand from section 3 and 7."""

from datetime import timedelta
from typing import Any

import pytest

from tests.oracle import dues, reading
from tests.oracle.town import FAR, HOUR, OTHER, SECOND, SENT, Tale, day
from tests.oracle.wire import Malformed, parse_time

WEEK = timedelta(days=7)


def line_of(tale: Tale) -> dict[str, Any]:
    """L1 as the outside reads it."""
    found: dict[str, Any] = reading.view(tale.model, tale.order_id)["lines"][0]
    return found


def test_the_forms_of_time() -> None:
    assert parse_time("2026-01-05 09:00:00") == parse_time("2026-01-05T01:00:00Z") == SENT
    for wrong in ("2026-01-05", "2026-02-30T00:00:00Z", "2026-01-05T24:00:00Z", 5, None):
        with pytest.raises(Malformed):
            parse_time(wrong)


@pytest.mark.parametrize(
    ("hospital", "data", "wish", "expected"),
    [
        ("near", {}, None, day(9)),  # Tue, Wed, Thu: 24:00 of the 8th
        ("far", {}, None, day(13)),  # five working days, over the weekend of the 10th
        ("near", {}, day(8), day(9)),  # a wish cannot shorten
        ("near", {}, day(20, 5), day(20, 5)),  # but extends
        ("near", {"emergency": True}, None, day(6, 9)),
        ("near", {"emergency": True}, day(5, 10), day(5, 13)),  # not before sent + 4 h
        ("near", {"emergency": True}, day(7), day(7)),
    ],
)
def test_delivery_due(hospital: str, data: dict[str, Any], wish: Any, expected: Any) -> None:
    tale = Tale(hospital=FAR, order_id=f"{FAR}-1") if hospital == "far" else Tale()
    more = {"required_by": wish.isoformat()} if wish else {}
    assert tale.place(lines=[Tale.line(**more)], **data).status == "accepted"
    assert line_of(tale)["delivery_due"] == expected


def test_an_undispatched_line_voids_at_its_instant_and_never_after_a_dispatch() -> None:
    tale = Tale()
    tale.place()
    assert tale.answer(SENT + WEEK - SECOND).status == "accepted"
    assert tale.send(SENT + WEEK).code == "line_void"
    assert (line_of(tale)["state"], line_of(tale)["answer"]) == ("void", "accepted")
    kept = Tale()
    kept.place()
    assert kept.send(SENT + WEEK - SECOND).status == "accepted"
    assert kept.answer(SENT + 2 * WEEK).status == "accepted"


def test_a_refused_line_voids_a_cancelled_or_back_entered_one_does_not() -> None:
    refused, cancelled, old = Tale(), Tale(), Tale()
    refused.place()
    refused.answer(SENT + HOUR, "refused")
    cancelled.place()
    cancelled.cancel(SENT + HOUR)
    old.place(occurred=SENT - 24 * HOUR - SECOND)
    for tale in (refused, cancelled, old):
        tale.model.advance(SENT + 2 * WEEK)
    states = [line_of(tale)["state"] for tale in (refused, cancelled, old)]
    assert states == ["void", "cancelled", "awaiting_answer"]
    assert reading.view(old.model, old.order_id)["back_entered"]
    assert cancelled.answer(SENT + 3 * WEEK).code == "line_cancelled"


def test_the_void_of_a_line_with_a_later_due_waits_for_the_due() -> None:
    tale = Tale()
    tale.place(lines=[Tale.line(required_by=day(20, 5).isoformat())])
    assert tale.send(day(20, 5) - SECOND).status == "accepted"


def test_duplicates_conflicts_and_the_order_of_tests() -> None:
    tale = Tale()
    tale.place()
    assert tale.place().code == "order_exists"
    tale.count = 0
    again = tale.place(SENT + HOUR, occurred=SENT)
    assert (again.status, again.first) == ("duplicate", 0)
    tale.count = 0
    assert tale.place(SENT + HOUR, emergency=True).code == "conflicting_duplicate"
    tale.count = 50
    future = SENT + 3 * HOUR
    assert tale.place(SENT, occurred=future, distributor_id="x").code == "malformed"
    assert tale.place(SENT, occurred=future).code == "occurred_in_future"
    assert tale.place(SENT, occurred=SENT + timedelta(minutes=5)).code == "order_exists"
    tale.order_id += "0"
    assert tale.place(SENT, lines=[Tale.line(product_id="no")]).code == "unknown_product"
    assert tale.answer(SENT).code == "unknown_order"
    early = Tale.line(required_by=(SENT - SECOND).isoformat())
    assert tale.place(SENT, lines=[early]).code == "required_by_in_past"


def test_not_yours() -> None:
    tale = Tale()
    tale.place()
    event = {**tale.model.facts[0].event, "id": "x", "type": "jicai.order.answered.v1"}  # type: ignore[dict-item]
    event["data"] = {"order_id": tale.order_id}
    event["source"] = f"urn:jicai:{OTHER}"
    for actor in (f"distributor:{OTHER}", f"hospital:{tale.hospital}", "bureau:360000"):
        assert tale.model.post(SENT, actor, [event])[0].code == "not_yours"
    assert tale.model.post(SENT, "importer:360000", [event])[0].status == "accepted"


def test_a_suspended_listing_stops_new_orders_but_not_an_importer() -> None:
    tale = Tale()
    tale.model.world.put(SENT, "listings/P", {"status": "suspended"})
    assert tale.place(SENT + HOUR).code == "product_suspended"
    tale.importer = True
    assert tale.place(SENT + HOUR).status == "accepted"


def test_receipts_and_returns_must_add_up() -> None:
    tale = Tale()
    tale.place()
    assert tale.receive(SENT).code == "unknown_delivery"
    tale.send(SENT + HOUR)
    assert tale.receive(SENT + HOUR, accepted="99").code == "quantity_mismatch"
    assert tale.receive(SENT + HOUR).status == "accepted"
    assert tale.receive(SENT + HOUR).code == "already_exists"

    def give_back(key: str, quantity: str) -> str:
        lines = [{"line_id": "L1", "quantity": quantity}]
        data = {"return_id": key, "receipt_id": "R1", "reason": "x", "lines": lines}
        verdict = tale.post("hospital", "return.requested", SENT + HOUR, **data)
        return verdict.code or verdict.status

    assert [give_back("T1", "60"), give_back("T2", "41")] == ["accepted", "return_exceeds_receipt"]
    tale.post("distributor", "return.answered", SENT + HOUR, return_id="T1", confirmed=False)
    assert [give_back("T2", "41"), give_back("T3", "60")] == ["accepted", "return_exceeds_receipt"]
    assert tale.cancel(SENT + HOUR).code == "nothing_to_cancel"
    assert tale.cancel(SENT + HOUR, line_ids=["L1"]).code == "already_dispatched"


def test_flags_stand_on_the_line_and_on_the_event_that_caused_them() -> None:
    tale = Tale()
    tale.place(lines=[Tale.line(unit_price="10.5001")])
    tale.answer(SENT + HOUR, "refused")
    tale.send(day(7, 9), quantity="60", delivery="D1")
    assert tale.send(day(7, 9), quantity="40.0001", delivery="D2").status == "accepted"
    assert line_of(tale)["flags"] == [
        "dispatched_after_refusal",
        "over_delivered",
        "price_above_selected",
    ]
    history = reading.view(tale.model, tale.order_id)["history"]
    assert [len(entry["flags"]) for entry in history] == [1, 0, 1, 2]


def arrival_of(tale: Tale) -> Any:
    """When D1 counts as arrived."""
    return dues.arrival(tale.model.story(tale.order_id).deliveries["D1"])


@pytest.mark.parametrize(
    ("proof", "receipt_at", "claims", "expected"),
    [
        (True, day(10), True, day(5, 20)),  # recorded at 24:00 of the 3rd working day (Fri 9th)
        (True, day(10) + SECOND, True, day(6, 12)),  # too late: the proven arrival stands
        (False, day(10) + SECOND, True, day(5, 20)),  # nothing proven: the claim holds
        (True, day(7), False, day(6, 12)),  # no claim: the proof
        (False, day(6, 13), False, day(6, 12)),  # neither: the earlier of the two
    ],
)
def test_arrival(proof: bool, receipt_at: Any, claims: bool, expected: Any) -> None:
    tale = Tale()
    tale.place()
    tale.send(SENT + HOUR)
    tale.arrive(day(6, 12), proof=proof)  # Tuesday: the 3rd working day after is Friday 9th
    more = {"arrived_at": day(5, 20).isoformat()} if claims else {}
    tale.receive(receipt_at, occurred=day(6, 14), **more)
    assert arrival_of(tale) == expected


def test_an_arrival_told_more_than_a_day_late_is_judged_when_told() -> None:
    for late, judged in ((24 * HOUR, day(6, 12)), (24 * HOUR + SECOND, day(7, 12) + SECOND)):
        tale = Tale()
        tale.place()
        tale.send(SENT + HOUR)
        tale.arrive(day(6, 12) + late, occurred=day(6, 12))
        assert arrival_of(tale) == judged
        marked = "reported_late" in reading.view(tale.model, tale.order_id)["history"][-1]["flags"]
        assert marked == (late > 24 * HOUR)


@pytest.mark.parametrize(
    ("reason", "arrived", "state"),
    [
        ("damaged", "0", "dispatched"),
        (None, "0", "dispatched"),
        ("hospital_request", "100", "arrived"),
        ("no_longer_needed", "100", "arrived"),
    ],
)
def test_what_is_rejected_arrives_only_if_the_reason_is_the_hospitals_own(
    reason: str | None, arrived: str, state: str
) -> None:
    tale = Tale()
    tale.place()
    tale.send(SENT + HOUR)
    tale.receive(SENT + HOUR, accepted="0", rejected="100", reason=reason)
    line = line_of(tale)
    assert (line["arrived"], line["received"], line["state"]) == (arrived, "0", state)


def test_an_importer_is_judged_by_what_it_says_happened() -> None:
    tale, long_ago = Tale(importer=True), parse_time("2025-09-30T09:00:00+08:00")
    tale.place(SENT, occurred=long_ago)
    tale.post("distributor", "order.answered", SENT, long_ago + 48 * HOUR)
    line = line_of(tale)
    # Three working days after 30 September 2025: 9, 10 and 11 October (a make-up Saturday).
    assert line["delivery_due"] == parse_time("2025-10-12T00:00:00+08:00")
    assert line["answer_due"] == long_ago + 48 * HOUR
    assert not reading.view(tale.model, tale.order_id)["back_entered"]
    assert tale.send(SENT + WEEK).status == "accepted"  # an importer's order never voids

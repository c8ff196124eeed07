"""The late-response lists of the oracle, worked by hand and against the golden vectors."""

from datetime import date, datetime, timedelta

import pytest

from tests.oracle.calendar import start_of
from tests.oracle.lists import LateList, issuing_days, late_lists
from tests.oracle.orders import Orders
from tests.oracle.test_oracle import cases
from tests.oracle.town import FAR, HOUR, SECOND, SENT, D, H, Tale, day, town
from tests.oracle.wire import parse_time
from tests.oracle.world import World

EARLY = SENT - HOUR  # Monday 5th 08:00: expires on Wednesday 7th at 08:00
SPRING = parse_time("2026-03-10T00:00:00+08:00")


def since_2024() -> World:
    """The town as it stood long before."""
    world, at = town(), parse_time("2024-01-01T00:00:00+08:00")
    for versions in world.versions.values():
        versions[:] = [(at, body) for _, body in versions]
    return world


def days(found: list[LateList]) -> list[tuple[str, str]]:
    """Which day, and how often by then; for lists of one line each."""
    return [(f"{one.day:%m-%d}", only(one)) for one in found]


def only(found: LateList) -> str:
    """The occurrence of a list's only line."""
    (entry,) = found.lines
    return entry.occurrence


@pytest.mark.parametrize("case", cases("late_response")["cases"], ids=lambda case: case["sent"])
def test_a_silent_line_is_first_listed_on_the_day_of_the_vector(case: dict[str, str]) -> None:
    tale = Tale(Orders(since_2024()))
    sent = parse_time(case["sent"])
    assert tale.place(sent).status == "accepted"
    found = late_lists(tale.model, sent, sent + timedelta(days=20))
    assert found[0].day.isoformat() == case["list_by"]
    assert found[0].issued_at == parse_time(f"{case['list_by']}T09:00:00+08:00")
    (entry,) = found[0].lines
    assert (entry.sent_at, entry.expired_at) == (sent, parse_time(case["expires"]))
    assert entry.occurrence == "first"


def test_a_list_names_its_addressee_and_its_bureau() -> None:
    tale = Tale()
    tale.place(EARLY)
    (found,) = late_lists(tale.model, day(2), day(7, 12))
    assert (found.distributor_id, found.bureau) == (D, "360102")
    assert [(one.order_id, one.line_id) for one in found.lines] == [(f"{H}-1", "L1")]


def test_what_expires_at_exactly_nine_waits_for_the_next_list() -> None:
    exact, before = Tale(), Tale()
    exact.place(SENT)
    before.place(SENT - SECOND)
    assert late_lists(exact.model, day(2), day(7, 9)) == []
    assert days(late_lists(exact.model, day(2), day(8, 9))) == [("01-08", "first")]
    assert days(late_lists(before.model, day(2), day(7, 9))) == [("01-07", "first")]
    assert late_lists(before.model, day(2), day(7, 9) - SECOND) == []


def test_a_line_is_listed_again_until_it_is_void() -> None:
    tale = Tale()
    tale.place(EARLY)  # void on Monday 12th at 08:00
    assert days(late_lists(tale.model, day(2), day(20))) == [
        ("01-07", "first"),
        ("01-08", "again"),
        ("01-09", "again"),
    ]


def test_a_void_at_exactly_nine_is_known_to_the_list() -> None:
    known, not_yet = Tale(), Tale()
    known.place(SENT)
    not_yet.place(SENT + SECOND)
    assert [name for name, _ in days(late_lists(known.model, day(2), day(20)))] == [
        "01-08",
        "01-09",
    ]
    assert [name for name, _ in days(late_lists(not_yet.model, day(2), day(20)))] == [
        "01-08",
        "01-09",
        "01-12",
    ]


@pytest.mark.parametrize("sent", ["2026-02-13T20:00:00", "2026-02-17T09:00:00"])
def test_a_line_that_became_void_over_the_holidays_is_listed_once(sent: str) -> None:
    tale = Tale()
    tale.place(parse_time(sent + "+08:00"), emergency=True)
    found = late_lists(tale.model, day(2), SPRING)
    assert days(found) == [("02-24", "first")]
    voided = [fact.recorded_at for fact in tale.model.facts if "voided" in fact.type]
    assert len(voided) == 1
    assert voided[0] <= found[0].issued_at


def test_a_make_up_saturday_has_its_list_and_a_holiday_monday_none() -> None:
    tale = Tale(hospital=FAR, order_id=f"{FAR}-1")
    tale.place(parse_time("2026-02-11T10:00:00+08:00"))  # expires on Friday 13th at 10:00
    found = days(late_lists(tale.model, day(2), SPRING))
    # Void at 24:00 of the 25th, the fifth working day: 12th, 13th, 14th, 24th, 25th.
    assert found == [("02-14", "first"), ("02-24", "again"), ("02-25", "again")]
    assert issuing_days(start_of(date(2026, 2, 13)), start_of(date(2026, 2, 25))) == [
        date(2026, 2, 13),
        date(2026, 2, 14),
        date(2026, 2, 24),
    ]


@pytest.mark.parametrize("act", ["answer", "refuse", "send", "cancel"])
@pytest.mark.parametrize(("moment", "listed"), [(day(7, 9) - SECOND, 0), (day(7, 9), 1)])
def test_an_act_known_before_nine_takes_the_line_off(
    act: str, moment: datetime, listed: int
) -> None:
    tale = Tale()
    tale.place(EARLY)
    verdict = {
        "answer": lambda: tale.answer(moment),
        "refuse": lambda: tale.answer(moment, "refused", reason_code="price"),
        "send": lambda: tale.send(moment),
        "cancel": lambda: tale.cancel(moment),
    }[act]()
    assert verdict.status == "accepted"
    assert len(late_lists(tale.model, day(2), day(20))) == listed


def test_only_the_silent_line_of_an_order_is_listed() -> None:
    tale = Tale()
    tale.place(EARLY, lines=[Tale.line(), Tale.line("L2"), Tale.line("L3", product_id="Q")])
    tale.answer(SENT)
    found = late_lists(tale.model, day(2), day(7, 12))
    assert [[one.line_id for one in each.lines] for each in found] == [["L2", "L3"]]


def test_back_entered_orders_and_late_imports_are_never_listed() -> None:
    said, late = Tale(), Tale()
    said.place(EARLY, back_entered=True)
    late.place(EARLY, EARLY - 25 * HOUR)
    assert late_lists(said.model, day(2), SPRING) == []
    assert late_lists(late.model, day(2), SPRING) == []
    for recorded, listed in ((EARLY + 48 * HOUR, False), (EARLY + 48 * HOUR - SECOND, True)):
        moved = Tale(importer=True)
        assert moved.place(recorded, EARLY).status == "accepted"
        found = late_lists(moved.model, day(2), day(8, 12))
        assert bool(found) is listed
        assert all(one.lines[0].sent_at == EARLY for one in found)


def test_an_import_never_voids_and_stays_on_the_list_until_an_answer_is_recorded() -> None:
    tale = Tale(importer=True)
    tale.place(EARLY)
    kind, rows = "order.answered", [{"line_id": "L1", "answer": "accepted"}]
    tale.post("distributor", kind, day(20, 12), SENT, lines=rows)  # in time, and told on the 20th
    found = days(late_lists(tale.model, day(2), SPRING))
    assert (found[0], found[-1], len(found)) == (("01-07", "first"), ("01-20", "again"), 10)


def test_lines_stand_by_expiry_and_each_bureau_has_a_list_of_its_own() -> None:
    model = Orders(town())
    second = Tale(model, order_id=f"{H}-1")
    first = Tale(model, order_id=f"{H}-2")
    far = Tale(model, hospital=FAR, order_id=f"{FAR}-1")
    first.place(EARLY - SECOND)
    second.place(EARLY)
    far.place(EARLY)
    found = late_lists(model, day(2), day(7, 12))
    assert [(one.bureau, [entry.order_id for entry in one.lines]) for one in found] == [
        ("360102", [f"{H}-2", f"{H}-1"]),
        ("360735", [f"{FAR}-1"]),
    ]


def test_nothing_expired_no_list() -> None:
    tale = Tale()
    tale.place(EARLY)
    tale.answer(EARLY + HOUR)
    assert late_lists(tale.model, day(2), SPRING) == []

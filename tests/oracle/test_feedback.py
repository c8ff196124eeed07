"""`feedback.v1` of the oracle, worked by hand: dues, the last `solved`, whose tickets, which window."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tests.oracle.feedback import due_of, judged
from tests.oracle.figures import RATES, Question, evidence, rate_of, scorecard, subjects
from tests.oracle.orders import Orders
from tests.oracle.publications import Publication, restatements
from tests.oracle.ratios import Rate
from tests.oracle.town import FAR, HOUR, OTHER, SECOND, SENT, D, H, M, day, town

DUE = day(8)  # opened on Monday 5th: 24:00 of Wednesday 7th
JANUARY: dict[str, Any] = {"window": "2026-01", "as_of": date(2026, 1, 31)}


@dataclass
class Trouble:
    """One ticket told by hand; every call is one POST and returns its status."""

    model: Orders = field(default_factory=lambda: Orders(town()))
    hospital: str = H
    number: int = 1

    def ask(self, at: datetime, name: str, **body: Any) -> int:
        """Any step."""
        ticket_id = f"{self.hospital}-T{self.number}"
        return self.model.complaints.ask(self.model.world, at, ticket_id, name, body)

    def open(self, at: datetime = SENT, product: str = "P", to: str = D) -> int:
        """A ticket about P, addressed to D."""
        body = {"hospital_id": self.hospital, "product_id": product, "addressees": [to]}
        return self.ask(at, "open", ticket_id=f"{self.hospital}-T{self.number}", **body)

    def reply(self, at: datetime, promised: datetime) -> int:
        """A promise."""
        return self.ask(at, "reply", promised_at=promised.isoformat())

    def told(self, **asked: Any) -> Rate:
        """The rate of January."""
        return rate_of(self.model, Question(**(JANUARY | asked)), "feedback")


def test_solved_at_the_reply_due_is_a_hit_and_a_second_later_a_miss() -> None:
    for at, hits in ((DUE, 1), (DUE + SECOND, 0)):
        trouble = Trouble()
        assert trouble.open() == 201
        assert trouble.told() == Rate(0, 1)
        assert trouble.ask(at, "solved") == 200
        assert trouble.told() == Rate(hits, 1)


def test_a_reply_in_time_moves_the_due_to_the_promised_instant() -> None:
    for at, due in ((DUE, day(12)), (DUE + SECOND, DUE)):
        trouble = Trouble()
        trouble.open()
        assert trouble.reply(at, day(12)) == 200
        (ticket,) = trouble.model.complaints.tickets.values()
        assert due_of(ticket) == due
        trouble.ask(day(12), "solved")
        assert trouble.told() == Rate(int(due == day(12)), 1)


def test_a_solution_that_was_taken_back_does_not_stand() -> None:
    trouble = Trouble()
    trouble.open()
    trouble.ask(day(6), "solved")
    assert trouble.told() == Rate(1, 1)
    assert trouble.ask(day(8), "reopen") == 200
    assert trouble.told() == Rate(0, 1)
    assert trouble.ask(day(8) + HOUR, "solved") == 200
    assert trouble.told() == Rate(0, 1)  # the last one counts, and it came behind the due


def test_silence_confirms_and_then_nothing_can_be_taken_back() -> None:
    for at, status in ((day(10) - SECOND, 200), (day(10), 409)):
        trouble = Trouble()
        trouble.open()
        trouble.ask(day(6), "solved")  # confirmation due: 24:00 of Friday 9th
        assert trouble.ask(at, "reopen") == status
        assert trouble.told() == Rate(int(status == 409), 1)


def test_a_closed_ticket_counts_like_any_other() -> None:
    solved, silent = Trouble(), Trouble()
    for trouble in (solved, silent):
        trouble.open()
    solved.ask(day(6), "solved")
    for trouble in (solved, silent):
        assert trouble.ask(day(7), "close") == 200
        assert trouble.ask(day(7) + HOUR, "solved") == 409
    assert (solved.told(), silent.told()) == (Rate(1, 1), Rate(0, 1))


def test_steps_out_of_their_place_change_nothing() -> None:
    trouble = Trouble()
    assert trouble.open() == 201
    assert (trouble.open(), trouble.open(product="Q")) == (200, 409)
    assert [trouble.ask(day(6), name) for name in ("confirm", "reopen")] == [409, 409]
    assert trouble.reply(day(6), day(9)) == 200
    assert trouble.reply(day(6), day(7)) == 409
    trouble.ask(day(6), "solved")
    assert trouble.reply(day(6), day(7)) == trouble.ask(day(6), "solved") == 409
    assert trouble.ask(day(6), "confirm") == 200
    assert trouble.ask(day(6), "close") == trouble.ask(day(6), "reopen") == 409
    (ticket,) = trouble.model.complaints.tickets.values()
    assert due_of(ticket) == day(9)
    assert judged(ticket).hit


def test_a_ticket_belongs_to_its_addressees_and_once_to_product_and_total() -> None:
    model = Orders(town())
    Trouble(model).open(to=D)
    Trouble(model, number=2).open(to=M)
    body = {"hospital_id": FAR, "product_id": "Q", "addressees": [D, OTHER]}
    body |= {"ticket_id": f"{FAR}-T"}
    model.complaints.ask(model.world, SENT, f"{FAR}-T", "open", body)

    def told(subject: str, one: str) -> int:
        asked = Question(subject=subject, id=one, **JANUARY)
        return rate_of(model, asked, "feedback").denominator

    assert [told("distributor", one) for one in (D, OTHER)] == [2, 1]
    assert told("manufacturer", M) == 1
    assert [told("product", one) for one in ("P", "Q")] == [2, 1]
    assert told("total", "total") == 3


def test_filters_look_at_the_hospital_and_the_register_and_never_at_a_role_or_batch() -> None:
    model = Orders(town())
    Trouble(model).open(product="P")
    Trouble(model, hospital=FAR).open(product="Q")
    far = {"kinds": ["hospital"], "division": FAR[1:7], "level": "secondary"}
    model.world.put(day(6), f"organisations/{FAR}", far)  # later than the ticket
    for narrowed, ids in (
        ({"category": "drug"}, [f"{H}-T1"]),
        ({"category": "consumable"}, [f"{FAR}-T1"]),
        ({"division": "360700"}, [f"{FAR}-T1"]),
        ({"division": "360000"}, [f"{H}-T1", f"{FAR}-T1"]),
        ({"level": "primary"}, [f"{FAR}-T1"]),
        ({"level": "secondary"}, []),
        ({"role": "selected"}, [f"{H}-T1", f"{FAR}-T1"]),
        ({"batch_id": "none-such"}, [f"{H}-T1", f"{FAR}-T1"]),
    ):
        found = evidence(model, Question(**JANUARY, **narrowed), "feedback")
        assert [one.order_id for one in found] == ids, narrowed


def test_a_due_at_24_00_belongs_to_the_day_that_ends() -> None:
    trouble = Trouble()
    trouble.open()
    for last, counted in ((6, 0), (7, 1)):
        window = {"window": "30d", "as_of": date(2026, 1, last)}
        assert trouble.told(**window).denominator == counted
    assert trouble.told(window="30d", as_of=date(2026, 2, 5)).denominator == 1
    assert trouble.told(window="30d", as_of=date(2026, 2, 6)).denominator == 0


def test_the_score_takes_the_rate_and_a_ticket_makes_no_subject() -> None:
    trouble = Trouble()
    trouble.open()
    card = scorecard(trouble.model, Question("distributor", D, **JANUARY))
    assert card["rates"]["feedback"] == {"numerator": 0, "denominator": 1, "percent": "0.00"}
    assert "feedback" not in card["without_data"]
    assert subjects(trouble.model, Question("distributor", **JANUARY)) == []
    assert set(card["rates"]) == set(RATES)


def test_a_publication_stands_on_the_steps_before_it_and_a_later_one_restates_it() -> None:
    trouble = Trouble()
    trouble.open()
    trouble.ask(day(7), "solved")
    run = Publication("2026-01", date(2026, 1, 7), DUE)
    frozen = run.question()
    assert restatements(trouble.model, run) == []
    trouble.ask(DUE, "reopen")
    assert rate_of(trouble.model, frozen, "feedback") == Rate(1, 1)
    (found,) = [one for one in restatements(trouble.model, run) if one.rate == "feedback"]
    assert (found.subject, found.published, found.now) == ("total", Rate(1, 1), Rate(0, 1))
    assert found.may_have_caused == {(f"{H}-T1", "reopen")}

"""What may happen to a ticket, told as sentences."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from services.feedback.commands import OpenTicket
from services.feedback.domain.rules import TICKETS
from services.feedback.domain.world import Registered, World
from services.feedback.policy import ticket_terms
from shared.events.feedback import TICKET_OPENED, TicketOpened
from shared.events.topics import FEEDBACK
from shared.kernel.clock import parse_instant
from shared.kernel.decider import Sent
from shared.store.calendar_files import shipped_calendar
from shared.store.policy_files import shipped_policy
from shared.testing.spec import Happened, given

HOSPITAL, DISTRIBUTOR, MAKER = "H36010200001", "91360000MA00000D15", "91360000MA00000M15"
MONDAY = parse_instant("2026-03-02T10:00:00+08:00")
END_OF_WEDNESDAY = datetime(2026, 3, 4, 16, tzinfo=UTC)

WORLD = World(
    Registered(
        hospitals=frozenset({HOSPITAL}),
        enterprises=frozenset({DISTRIBUTOR, MAKER}),
        products=frozenset({"P1"}),
    ),
    shipped_calendar(),
    ticket_terms(shipped_policy()),
)

OPENING = OpenTicket(
    ticket_id=f"{HOSPITAL}-T1",
    hospital_id=HOSPITAL,
    product_id="P1",
    addressees=(DISTRIBUTOR, MAKER),
    category="late_delivery",
    description="三次催单未到货",
    order_ids=(f"{HOSPITAL}-1",),
    prominent=False,
    by=f"hospital:{HOSPITAL}",
)

OPENED = TicketOpened(
    ticket_id=f"{HOSPITAL}-T1",
    hospital_id=HOSPITAL,
    product_id="P1",
    addressees=[DISTRIBUTOR, MAKER],
    category="late_delivery",
    description="三次催单未到货",
    order_ids=[f"{HOSPITAL}-1"],
    by=f"hospital:{HOSPITAL}",
    at=MONDAY,
    reply_due=END_OF_WEDNESDAY,
    calendar_version=WORLD.calendar.version,
)


def sent(command: OpenTicket = OPENING, *, by: str = HOSPITAL, role: str = "hospital") -> Sent:
    """The command as the door passes it on."""
    return Sent(
        f"ticket-{command.ticket_id}", f"urn:jicai:{by}", f"{command.ticket_id}-opened",
        TICKET_OPENED, MONDAY, b"", b"", command, role, by,
    )  # fmt: skip


def test_a_hospital_opens_a_ticket_and_a_reply_is_due_at_the_end_of_the_second_working_day() -> (
    None
):
    given(TICKETS).when(sent(), at=MONDAY, world=WORLD).then(OPENED)


def test_the_fact_is_found_by_its_hospital_and_by_every_addressee() -> None:
    decided = given(TICKETS).when(sent(), at=MONDAY, world=WORLD).then(OPENED)
    assert decided.topic == FEEDBACK
    assert decided.hospital_id == HOSPITAL
    assert DISTRIBUTOR in (decided.distributor_id or "")
    assert MAKER in (decided.manufacturers or "")


def test_a_holiday_is_no_working_day() -> None:
    before_new_year = parse_instant("2025-12-31T10:00:00+08:00")
    # 1 to 3 January 2026 are holidays, 4 January is worked instead: the 2nd working day is the 5th.
    expected = OPENED.__class__(
        **{
            name: getattr(OPENED, name)
            for name in OPENED.__struct_fields__
            if name not in ("at", "reply_due")
        },
        at=before_new_year,
        reply_due=parse_instant("2026-01-06T00:00:00+08:00"),
    )
    given(TICKETS).when(sent(), at=before_new_year, world=WORLD).then(expected)


def test_a_ticket_opened_at_midnight_belongs_to_the_day_that_begins() -> None:
    midnight = parse_instant("2026-03-02T00:00:00+08:00")
    outcome = given(TICKETS).when(sent(), at=midnight, world=WORLD)
    assert outcome.decided is not None
    assert outcome.decided.fact.reply_due == END_OF_WEDNESDAY


def test_a_due_over_a_year_nobody_has_announced_is_provisional_and_says_so() -> None:
    outcome = given(TICKETS).when(
        sent(), at=parse_instant("2026-12-31T10:00:00+08:00"), world=WORLD
    )
    assert outcome.decided is not None
    assert outcome.decided.fact.provisional
    announced = replace(WORLD, calendar=WORLD.calendar.with_year(2027, []))
    outcome = given(TICKETS).when(
        sent(), at=parse_instant("2026-12-31T10:00:00+08:00"), world=announced
    )
    assert outcome.decided is not None
    assert not outcome.decided.fact.provisional
    assert outcome.decided.fact.calendar_version == announced.calendar.version


def test_what_is_not_registered_may_be_on_its_way() -> None:
    for name, value, code, pointer in (
        ("hospital_id", "H36010200002", "unknown_hospital", "/hospital_id"),
        ("product_id", "P2", "unknown_product", "/product_id"),
        ("addressees", (MAKER, "91360000MA00000X15"), "unknown_distributor", "/addressees/1"),
    ):
        asked = sent(
            replace(OPENING, **{name: value}), by=value if name == "hospital_id" else HOSPITAL
        )  # type: ignore[arg-type]
        refusal = given(TICKETS).when(asked, at=MONDAY, world=WORLD).then_refused(code, pointer)
        assert refusal.retryable


def test_nobody_opens_a_ticket_for_another() -> None:
    given(TICKETS).when(sent(by="H36010200002"), at=MONDAY, world=WORLD).then_refused("not_yours")
    given(TICKETS).when(sent(role="bureau"), at=MONDAY, world=WORLD).then_refused("not_yours")


def test_a_ticket_id_is_used_once() -> None:
    given(TICKETS, Happened(TICKET_OPENED, OPENED)).when(
        sent(), at=MONDAY, world=WORLD
    ).then_refused("conflicting_duplicate", "/ticket_id")


def test_an_open_ticket_stands_at_its_territorial_bureau_unsupervised() -> None:
    ticket = given(TICKETS, Happened(TICKET_OPENED, OPENED)).state
    assert ticket is not None
    assert (ticket.state, ticket.supervised, ticket.level) == ("open", False, None)
    assert ticket.bureau == "360102"
    assert [(step.type, step.at, step.by) for step in ticket.history] == [
        ("opened", MONDAY, f"hospital:{HOSPITAL}")
    ]


def test_nothing_happens_by_itself_yet() -> None:
    opened = given(TICKETS, Happened(TICKET_OPENED, OPENED))
    assert opened.when_woken(at=parse_instant("2026-06-01T00:00:00+08:00")) == ()

"""Tickets told as sentences: who they are, when it is, and what they say."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from services.feedback.commands import Act, OpenTicket
from services.feedback.domain.rules import TICKETS
from services.feedback.domain.ticket import Ticket
from services.feedback.domain.world import Registered, World
from services.feedback.policy import ticket_terms
from shared.events.feedback import FACTS, TICKET_OPENED
from shared.kernel.calendar import WorkCalendar
from shared.kernel.clock import parse_instant
from shared.kernel.decider import Decided, Sent
from shared.store.calendar_files import shipped_calendar
from shared.store.policy_files import shipped_policy
from shared.testing.spec import Given, Happened

HOSPITAL, CITY_HOSPITAL, PROVINCE_HOSPITAL = "H36010200001", "H36010000001", "H36000000001"
DISTRIBUTOR, MAKER = "91360000MA00000D15", "91360000MA00000M15"

BY_HOSPITAL = f"hospital:{HOSPITAL}"
BY_DISTRIBUTOR, BY_MAKER = f"distributor:{DISTRIBUTOR}", f"manufacturer:{MAKER}"
COUNTY, CITY, PROVINCE = "bureau:360102", "bureau:360100", "bureau:360000"

TERMS = ticket_terms(shipped_policy())
REGISTERED = Registered(
    hospitals={HOSPITAL: "tertiary", CITY_HOSPITAL: None, PROVINCE_HOSPITAL: None},
    enterprises=frozenset({DISTRIBUTOR, MAKER}),
    products={"P1": "drug"},
)


def world(calendar: WorkCalendar | None = None) -> World:
    """What decisions stand on, over the shipped calendar or another."""
    return World(REGISTERED, calendar or shipped_calendar(), TERMS)


WORLD = world()


def march(day: int, clock: str = "10:00:00") -> datetime:
    """An instant of March 2026: the 2nd is a Monday, and no day of it differs from its weekday."""
    return parse_instant(f"2026-03-{day:02}T{clock}+08:00")


def end_of(day: int) -> datetime:
    """24:00 of a day in March 2026."""
    return march(day + 1, "00:00:00")


def opening(hospital: str = HOSPITAL, *, prominent: bool = False) -> OpenTicket:
    """A hospital's report."""
    return OpenTicket(
        ticket_id=f"{hospital}-T1",
        hospital_id=hospital,
        product_id="P1",
        addressees=(DISTRIBUTOR, MAKER),
        category="late_delivery",
        description="三次催单未到货",
        order_ids=(f"{hospital}-1",),
        prominent=prominent,
        by=f"hospital:{hospital}",
    )


def sent(command: OpenTicket | Act, *, by: str | None = None, at: datetime) -> Sent:
    """A command as its door passes it on; of an act the event's own name matters to no rule."""
    role, _, organisation = (by or command.by).partition(":")
    return Sent(
        "ticket", f"urn:jicai:{organisation}", f"{type(command).__name__}-{at}",
        TICKET_OPENED, at, b"", b"", command, role, organisation,
    )  # fmt: skip


@dataclass
class Story:
    """One ticket, told act by act; every fact passes through the bytes it is published in."""

    world: World = WORLD
    told: list[Happened] = field(default_factory=list)
    _state: Ticket | None = None

    def open(self, at: datetime, hospital: str = HOSPITAL, *, prominent: bool = False) -> Story:
        """It begins."""
        return self.says(opening(hospital, prominent=prominent), at)

    def says(self, command: OpenTicket | Act, at: datetime) -> Story:
        """Somebody acts, and is not refused; what was due before happens before."""
        self.wait(at)
        outcome = self.given.when(sent(command, at=at), at=at, world=self.world)
        assert outcome.decided is not None, f"refused: {outcome.refusal}"
        self._take(outcome.decided)
        return self

    def wait(self, until: datetime) -> Story:
        """Whatever is due by an instant happens."""
        for happened in self.given.when_woken(at=until, world=self.world):
            self._happen(happened)
        return self

    def refused(self, command: OpenTicket | Act, at: datetime, code: str, by: str = "") -> None:
        """The same is refused with this code."""
        self.wait(at)
        asked = sent(command, by=by or None, at=at)
        self.given.when(asked, at=at, world=self.world).then_refused(code)

    @property
    def given(self) -> Given[Ticket, World]:
        """The ticket with its past, as it is stored."""
        stored = None if self._state is None else TICKETS.encode(self._state)
        return Given(TICKETS, None if stored is None else TICKETS.decode(stored))

    @property
    def ticket(self) -> Ticket:
        """The ticket as it stands."""
        assert self._state is not None
        return self._state

    @property
    def history(self) -> list[str]:
        """What has happened, by its names in the history."""
        return [step.type for step in self.ticket.history]

    @property
    def stands(self) -> tuple[str, str | None, str]:
        """State, level, and the bureau in charge."""
        return self.ticket.state, self.ticket.level, self.ticket.bureau

    @property
    def clocks(self) -> dict[str, datetime]:
        """What runs, until when."""
        return {name: one.due_at for name, one in self.ticket.running.items()}

    @property
    def facts(self) -> list[tuple[str, Any]]:
        """Every fact, as a reader of the ticket's stream has them."""
        return [(one.type, one.fact) for one in self.told]

    def happen(self, *decided: Decided) -> Story:
        """What the platform decided of the ticket from outside."""
        for one in decided:
            self._take(one)
        return self

    def _take(self, decided: Decided) -> None:
        self._happen(Happened(decided.type, decided.fact))
        for consequence in decided.also:
            self._take(consequence)

    def _happen(self, happened: Happened) -> None:
        fact = _through_bytes(happened)
        self.told.append(Happened(happened.type, fact))
        self._state = TICKETS.evolve(self._state, happened.type, fact)


def _through_bytes(happened: Happened) -> Any:
    return msgspec.json.decode(msgspec.json.encode(happened.fact), type=FACTS[happened.type])

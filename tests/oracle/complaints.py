"""Tickets as far as rates and alarms need them (section 9): what was accepted, and when.

Only what `feedback.v1` and `A3.3-feedback` look at is told here: the opening, the first accepted reply
with its promise, every `solved`, confirmation, reopening, closing. Levels and supervision move neither.

Readings
- Level and category are those registered when the ticket was opened; the division stands in the id.
- Of the codes only 200, 201 and 409 are told: who asks may ask, and a promise lies within its limit.
- What is due at T fires before a fact posted at T: silence until the confirmation due has confirmed.
- A reply after the reply due is kept and is the ticket's, but no due is made of its promise.
- A bureau's `close` leaves a `solved` that stands as it is, and lets no later act in.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.oracle.calendar import end_of, local_day, working_day_after
from tests.oracle.wire import parse_time
from tests.oracle.world import World

FINAL = ("confirmed", "closed")
STATES = {"solved": "solved", "confirm": "confirmed", "close": "closed"}


@dataclass(frozen=True)
class Act:
    """One accepted step after the opening."""

    at: datetime
    name: str
    promised_at: datetime | None = None


@dataclass
class Ticket:
    """A ticket as opened, with every step accepted since."""

    body: dict[str, Any]
    opened_at: datetime
    level: str | None
    category: str
    acts: list[Act] = field(default_factory=list)

    @property
    def ticket_id(self) -> str:
        """The hospital's own id of it."""
        return str(self.body["ticket_id"])

    @property
    def product_id(self) -> str:
        """What it is about."""
        return str(self.body["product_id"])

    @property
    def hospital_id(self) -> str:
        """Who opened it."""
        return str(self.body["hospital_id"])

    @property
    def division(self) -> str:
        """The hospital's, characters 2-7 of its id."""
        return self.hospital_id[1:7]

    @property
    def reply_due(self) -> datetime:
        """24:00 of the 2nd working day after the opening day."""
        return end_of(working_day_after(local_day(self.opened_at), 2))

    def known_by(self, cut: datetime | None) -> "Ticket | None":
        """The ticket as the facts recorded before an instant tell it."""
        if cut is None:
            return self
        if self.opened_at >= cut:
            return None
        acts = [act for act in self.acts if act.at < cut]
        return Ticket(self.body, self.opened_at, self.level, self.category, acts)

    def replied(self) -> Act | None:
        """The accepted reply."""
        return next((act for act in self.acts if act.name == "reply"), None)

    def standing(self) -> Act | None:
        """The last `solved`, unless a reopening took it back."""
        moves = [act for act in self.acts if act.name in ("solved", "reopen")]
        return moves[-1] if moves and moves[-1].name == "solved" else None

    def state(self, now: datetime) -> str:
        """Where it stands at an instant, silence counted; being promised does not matter here."""
        steps = [act for act in self.acts if act.name != "reply"]
        reached = STATES.get(steps[-1].name, "open") if steps else "open"
        if reached == "solved":
            silence = end_of(working_day_after(local_day(steps[-1].at), 3))
            return "confirmed" if silence <= now else "solved"
        return reached

    def takes(self, name: str, now: datetime) -> bool:
        """Whether a step is in its place."""
        state = self.state(now)
        if name in ("confirm", "reopen"):
            return state == "solved"
        if name == "close":
            return state not in FINAL
        return state == "open" and not (name == "reply" and self.replied())


@dataclass
class Complaints:
    """Every ticket, in the order of opening."""

    tickets: dict[str, Ticket] = field(default_factory=dict)

    def ask(
        self, world: World, at: datetime, ticket_id: str, name: str, body: dict[str, Any]
    ) -> int:
        """One POST at an instant: the status that answers it."""
        if name == "open":
            return self.open(world, at, body)
        ticket = self.tickets[ticket_id]
        if not ticket.takes(name, at):
            return 409
        promised = parse_time(body["promised_at"]) if name == "reply" else None
        ticket.acts.append(Act(at, name, promised))
        return 200

    def open(self, world: World, at: datetime, body: dict[str, Any]) -> int:
        """A new ticket; the same again changes nothing."""
        before = self.tickets.get(body["ticket_id"])
        if before:
            return 200 if before.body == body else 409
        hospital = world.organisation(at, body["hospital_id"], "hospital")
        product = world.get(at, "products", body["product_id"])
        assert hospital is not None
        assert product is not None
        ticket = Ticket(body, at, hospital.get("level"), product["category"])
        self.tickets[ticket.ticket_id] = ticket
        return 201

"""The model of `orders`: one event in, one verdict out, and a plain list of what was accepted.

The test tells the model the clock at every POST; nothing else is time. Voids are applied lazily:
before an event is decided, everything due on its order at or before that instant is dated at its own
due instant and appended.

Readings
- A refused or unanswered undispatched line voids too; a cancelled one does not.
- An event at an instant t meets a void due at t (in the sandbox the clock fired it on its way to t).
- Where no such order exists nobody is a party of another order: the code is `unknown_order`.
- `price_above_selected` is flagged where a price is stated: at the placed event and at an invoice
  (sale or credit), on the line and on that event. `over_delivered` stands on every dispatch after
  which the line's total exceeds the ordered quantity.
- The state goes by quantity: a delivery whose receipt rejected all (not the hospital's own reason)
  has arrived nothing and leaves its line `dispatched`; received needs an accepted quantity above 0.
- `line_voided` is one history entry a line, with `event_id` None (the product's id is its own).
"""

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.oracle import facts as kinds
from tests.oracle.calendar import local_day
from tests.oracle.complaints import Complaints
from tests.oracle.dues import void_at
from tests.oracle.facts import Fact
from tests.oracle.hashes import same_content
from tests.oracle.shape import TYPES, well_formed
from tests.oracle.stories import Story, tell
from tests.oracle.verdicts import (
    RETRYABLE,
    already_there,
    asked_too_early,
    flags_of,
    line_by_line,
    unknown_parts,
    unplaceable,
    unregistered,
)
from tests.oracle.wire import Malformed, parse_time
from tests.oracle.world import World

AHEAD = timedelta(minutes=5)


@dataclass(frozen=True)
class Verdict:
    """What the platform must answer for one event; `first` is the index of a duplicate's original."""

    status: str
    code: str | None = None
    pointer: str | None = None
    first: int | None = None

    @property
    def retryable(self) -> bool:
        """Whether the other side may simply not have posted yet."""
        return self.code in RETRYABLE


@dataclass
class Orders:
    """Every accepted fact, in order of arrival, and the same facts by order; the tickets beside."""

    world: World
    facts: list[Fact] = field(default_factory=list)
    streams: dict[str, list[Fact]] = field(default_factory=dict)
    seen: dict[tuple[str, str], int] = field(default_factory=dict)
    complaints: Complaints = field(default_factory=Complaints)

    def post(self, at: datetime, actor: str, events: list[Any]) -> list[Verdict]:
        """A batch, decided in the order sent; `actor` as in the header (`role:organisation`)."""
        role, organisation = actor.split("/")[0].split(":", 1)
        return [self.decide(at, role, organisation, event) for event in events]

    def decide(self, at: datetime, role: str, organisation: str, event: Any) -> Verdict:
        """The verdict of one event at an instant; an accepted one is kept."""
        try:
            well_formed(event)
        except Malformed:
            return Verdict("rejected", "malformed")
        data, key = event["data"], (event["source"], event["id"])
        self.advance(at, data["order_id"])
        if not self.owns(role, organisation, event):
            return Verdict("rejected", "not_yours")
        if key in self.seen:
            first = self.seen[key]
            original = self.facts[first].event
            assert original is not None
            if same_content(original, event):
                return Verdict("duplicate", first=first)
            return Verdict("rejected", "conflicting_duplicate")
        importer = role == "importer"
        fault = self.fault(at, importer, event)
        if fault:
            return Verdict("rejected", *fault)
        event = deepcopy(event)
        fact = Fact(
            type=event["type"],
            source=event["source"],
            id=event["id"],
            data=event["data"],
            occurred_at=parse_time(event["time"]),
            recorded_at=at,
            importer=importer,
            event=event,
        )
        self.keep(self.with_what_held(fact))
        return Verdict("accepted")

    def owns(self, role: str, organisation: str, event: dict[str, Any]) -> bool:
        """Source, role, and party of the order; an importer sends anything for anyone."""
        if role == "importer":
            return True
        source, own = event["source"], f"urn:jicai:{organisation}"
        if role != TYPES[event["type"]][0] or not (source + ":").startswith(own + ":"):
            return False
        data = event["data"]
        if event["type"] == kinds.PLACED:
            return data["hospital_id"] == organisation
        if data["order_id"] not in self.streams:
            return True
        order = self.streams[data["order_id"]][0].data
        return order[f"{role}_id"] == organisation

    def fault(
        self, at: datetime, importer: bool, event: dict[str, Any]
    ) -> tuple[str, str | None] | None:
        """The first code that holds, in the stated order of tests."""
        kind, data, occurred = event["type"], event["data"], parse_time(event["time"])
        if occurred - at > AHEAD:
            return "occurred_in_future", None
        stream = self.streams.get(data["order_id"])
        if kind == kinds.PLACED:
            return (
                asked_too_early(data, occurred)
                or unregistered(self.world, at, data)
                or (("order_exists", None) if stream else None)
                or unplaceable(self.world, at, data, importer)
            )
        if not stream:
            return "unknown_order", None
        story = tell(stream)
        return (
            unknown_parts(story, kind, data)
            or already_there(story, kind, data)
            or line_by_line(story, kind, data)
        )

    def with_what_held(self, fact: Fact) -> Fact:
        """Store beside the fact what later changes must never rewrite, and its flags."""
        if fact.type == kinds.PLACED:
            lines = {row["line_id"]: self.line_known(fact, row) for row in fact.data["lines"]}
            caused = {
                row["line_id"]: {"price_above_selected"}
                for row in fact.data["lines"]
                if (price := lines[row["line_id"]]["selected_price"]) is not None
                and Decimal(row["unit_price"]) > price
            }
            fact.known = {"lines": lines, "line_flags": caused}
            if fact.data.get("back_entered") or fact.late:
                fact.flags.add("back_entered")
        else:
            story = tell(self.streams[fact.order_id])
            caused = flags_of(story, fact)
            off_sale = {
                line_id: self.world.off_sale(fact.recorded_at, line.row["product_id"])
                for line_id, line in story.lines.items()
            }
            fact.known = {"line_flags": caused, "off_sale": off_sale}
            if fact.type in (kinds.DISPATCHED, kinds.ARRIVED) and fact.late:
                fact.flags.add("reported_late")
        fact.flags |= {flag for flags in caused.values() for flag in flags}
        return fact

    def line_known(self, fact: Fact, row: dict[str, Any]) -> dict[str, Any]:
        """Hospital, product, supplier role and agreement of a line, as known when recorded."""
        at, data, product_id = fact.recorded_at, fact.data, row["product_id"]
        hospital = self.world.get(at, "organisations", data["hospital_id"])
        product = self.world.get(at, "products", product_id)
        assert hospital is not None
        assert product is not None
        held = {
            "division": hospital["division"],
            "level": hospital.get("level"),
            "remote": bool(hospital.get("remote")),
            "category": product["category"],
            "generic_name": product["generic_name"],
            "manufacturer_id": product["manufacturer_id"],
            "agreed": self.world.agreed(
                at, data["hospital_id"], product_id, data["distributor_id"]
            ),
        }
        day = local_day(fact.judged_at)
        return held | self.world.role(at, day, product_id, hospital["division"])

    def keep(self, fact: Fact) -> None:
        """Append an accepted fact."""
        if fact.id is not None:
            self.seen[fact.source, fact.id] = len(self.facts)
        self.facts.append(fact)
        self.streams.setdefault(fact.order_id, []).append(fact)

    def advance(self, at: datetime, order_id: str | None = None) -> None:
        """Void everything due at or before an instant (on one order, or on all), by due instant."""
        due = []
        for one in [order_id] if order_id else list(self.streams):
            if one in self.streams:
                due += overdue(tell(self.streams[one]), at)
        for instant, one, line_id in sorted(due):
            data = {"order_id": one, "line_id": line_id}
            self.keep(Fact(kinds.VOIDED, kinds.PLATFORM, None, data, instant, instant))

    def story(self, order_id: str) -> Story:
        """One order as it stands; call `advance` first to read it at an instant."""
        return tell(self.streams[order_id])


def overdue(story: Story, at: datetime) -> list[tuple[datetime, str, str]]:
    """The undispatched, uncancelled lines whose void instant has come."""
    found = []
    for line in story.lines.values():
        instant = void_at(story, line)
        gone = line.cancelled or line.voided or story.dispatched(line.line_id)
        if instant is not None and instant <= at and not gone:
            found.append((instant, story.placed.order_id, line.line_id))
    return found

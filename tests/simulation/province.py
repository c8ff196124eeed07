"""One province in one process (仿真): services, bus and readers in memory, told a story step by step.

No database, no loop, no clock but the story's. What the pure core decides is the product's; the frame
around it is what `journal.py`, `bus.py`, `group.py` and `tables.py` make of its promises.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from services.alerts.domain.rules import ALERTS_AND_LISTS
from services.settlement.domain.rules import SETTLING
from services.settlement.domain.world import NO_WORLD
from shared.events.envelope import Record
from shared.events.topics import DELIVERIES, FEEDBACK, ORDERS, REFERENCE
from tests.simulation.arrivals import fold_arrivals
from tests.simulation.bus import SENT, Bus
from tests.simulation.clerks import STEPS, step_on
from tests.simulation.days import close_alerts
from tests.simulation.doors import LAST_WAIT, Doors
from tests.simulation.group import Group
from tests.simulation.journal import Crash, Journal
from tests.simulation.lines import fold_alerts
from tests.simulation.money import close_month, fold_money
from tests.simulation.steps import (
    Announce,
    Clerk,
    Close,
    Hold,
    Move,
    Post,
    Relay,
    Resend,
    Step,
    Take,
    Wait,
    Wake,
)
from tests.simulation.tables import Database, Transaction
from tests.simulation.wiring import HEALTHY, Wiring
from tests.simulation.years import move_dues

TOPICS: Final = {
    "alerts": (ORDERS, DELIVERIES, FEEDBACK, REFERENCE),
    "feedback": (ORDERS, DELIVERIES),
    "settlement": (DELIVERIES, REFERENCE),
    "orders": (REFERENCE,),
}
_ROUNDS_MAX: Final = 5_000
_ENOUGH: Final = 10_000


class Stuck(AssertionError):
    """Nobody moves on, and not everything is taken."""


class Province(Doors):
    """Everything: doors, bus, readers."""

    def __init__(self, start: int, wiring: Wiring = HEALTHY) -> None:
        super().__init__(start, wiring)
        self.alerts = Database(Journal(ALERTS_AND_LISTS, None, self.now))
        self.settlement = Database(Journal(SETTLING, NO_WORLD, self.now))
        self.arrivals = Database()
        self.bus = Bus(self.outside, checkpoint_first=wiring.relay_checkpoint_first)
        self.instants: list[datetime] = []
        self.steps = 0
        self.years: dict[int, list[Sequence[Record]]] = {}
        self._marks_first = wiring.years_behind_marks
        group = partial(Group, bus=self.bus, habits=wiring.habits)
        self.groups = {
            "orders": group(Database(self.orders), topics=TOPICS["orders"], fold=self._fold_years),
            "alerts": group(
                self.alerts,
                topics=TOPICS["alerts"],
                fold=partial(fold_alerts, absorbing=wiring.absorb),
                close=self._checked("alerts", close_alerts),
            ),
            "feedback": group(self.arrivals, topics=TOPICS["feedback"], fold=fold_arrivals),
            "settlement": group(
                self.settlement,
                topics=TOPICS["settlement"],
                fold=partial(fold_money, invoice_key=wiring.invoice_key),
                close=self._checked("settlement", close_month),
            ),
        }

    def do(self, step: Step) -> None:
        """One step of the story."""
        self.steps += 1
        match step:
            case Announce():
                self.announce(step)
            case Post():
                self.senders.post(step, self.now)
            case Resend():
                self.senders.resend(step, self.now)
            case Wait():
                self.now = self._awaited(step)
                self.instants.append(self.now)
            case Wake():
                self._wake(step.log, step.crash)
            case Relay():
                self.bus.relay(step.log, step.count, step.fate, step.arrived)
            case Take():
                group = self.groups[step.group]
                group.take(self.now, step.member, step.limit, step.crash, step.asleep)
            case Close():
                self.groups[step.group].run_closes(self.now, step.crash)
            case Move():
                self.groups[step.group].move(step.partition, step.member)
            case Hold():
                self.bus.hold(step.partition, back=step.back)
            case Clerk():
                self._clerk(step)

    def settle(self) -> None:
        """Fair weather: all is sent, all falls due, all is read, what is drafted is paid."""
        for number in range(len(self.bus.partitions)):
            self.bus.hold(number, back=False)
        self.senders.finish(self.now)
        self.steps += 1
        self.now += LAST_WAIT
        for log in self.outside:
            self._wake(log, None)
        self.bus.relay("feedback", _ENOUGH, SENT, 0)
        self._read_out("orders", self.groups["orders"])
        self._wake("orders", None)
        self.bus.relay("orders", _ENOUGH, SENT, 0)
        for name, group in self.groups.items():
            self._read_out(name, group)
        for number in range(len(self.settlement.table("statements"))):
            for step in STEPS[:5]:
                self._clerk(Clerk(number, step))

    def _read_out(self, name: str, group: Group) -> None:
        group.gather(0)
        for number in range(_ROUNDS_MAX):
            if group.is_done:
                return
            group.take(self.now, 1 if number == 1 else 0, _ENOUGH, None, False)
            group.run_closes(self.now, None)
        raise Stuck(f"{name} does not come to the end of what it reads")

    def _fold_years(self, tx: Transaction, records: Sequence[Record]) -> None:
        move_dues(self.orders, tx, records, marks_first=self._marks_first)
        tx.then(lambda: self.years.setdefault(self.steps, []).append(records))

    def _awaited(self, wait: Wait) -> datetime:
        """The instant to which time goes on: for nobody it goes back."""
        at = self.now
        if wait.to == "mark":
            assert self.orders.next_mark is not None
            at = max(at, self.orders.next_mark)
        elif wait.to == "due":
            dues = [
                due
                for journal in (self.orders, self.feedback, self._settlement)
                for due in journal.dues.values()
                if due > at
            ]
            at = min(dues, default=at)
        return at + timedelta(minutes=wait.minutes)

    def _wake(self, log: str, crash: str | None) -> None:
        journal = self._settlement if log == "settlement" else self.outside[log]
        with suppress(Crash):
            journal.fire(self.now, crash)

    def _clerk(self, step: Clerk) -> None:
        with suppress(Crash):
            self.settlement.transact(
                self.now, lambda tx: step_on(tx, step.number, step.step), step.crash
            )

    @property
    def _settlement(self) -> Journal:
        assert self.settlement.journal is not None
        return self.settlement.journal

    def _checked(self, group: str, close: Any) -> Any:
        """A close that first looks whether it stands on exactly the facts before its instant."""
        topics = TOPICS[group]

        def checked(tx: Transaction, at: datetime) -> bool:
            meant = {
                (stream, version)
                for journal in self.outside.values()
                for topic, stream, version in journal.before.get(at, ())
                if topic in topics
            }
            heard = tx.keys("heard")
            assert heard == meant, (
                f"the close of {at} by {group} stands on {len(heard)} facts, {len(meant)} lie before "
                f"it: missing {sorted(meant - heard)[:3]}, too early {sorted(heard - meant)[:3]}"
            )
            done: bool = close(tx, at)
            return done

        return checked


def told(province: Province, steps: Sequence[Step]) -> Province:
    """A province after a story and the fair weather behind it."""
    for step in steps:
        province.do(step)
    province.settle()
    return province

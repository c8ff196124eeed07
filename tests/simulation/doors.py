"""The doors (上报入口): the two services that take events from outside, and those who send them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from shared.events.envelope import Record
from tests.simulation.ground import ORDER_WORLD, STARTS, TICKET_WORLD
from tests.simulation.journal import Journal
from tests.simulation.senders import Senders
from tests.simulation.steps import Announce
from tests.simulation.tables import Database
from tests.simulation.wiring import HEALTHY, Wiring
from tests.simulation.years import announce, move_dues

LAST_WAIT: Final = timedelta(days=9)
"""Behind the longest deadline of an order, and behind a draft where a month has just ended."""


class Doors:
    """The two services that take events from outside, and those who send them."""

    def __init__(self, start: int, wiring: Wiring = HEALTHY) -> None:
        self.now = STARTS[start]
        self.orders = Journal(wiring.orders, ORDER_WORLD, self.now, marks=True, batch=wiring.batch)
        self.feedback = Journal(
            wiring.tickets, TICKET_WORLD, self.now, marks=True, batch=wiring.batch
        )
        self.outside = {"orders": self.orders, "feedback": self.feedback}
        self.senders = Senders(self.outside)

    def announce(self, step: Announce) -> None:
        """The province announces a year."""
        announce(self.feedback, self.now, step.ahead)

    def hear_years(self, database: Database, records: Sequence[Record]) -> None:
        """Orders hears of it, in a transaction of its own."""
        database.transact(self.now, lambda tx: move_dues(self.orders, tx, records))

    def wait_awake(self, until: datetime) -> None:
        """Time goes on under a worker that never sleeps."""
        for journal in self.outside.values():
            while (at := journal.next_instant()) is not None and at <= until:
                journal.fire(at)
        self.now = until

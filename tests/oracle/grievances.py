"""The life of one ticket as its sides would lead it: prompt, late and quarrelsome in the usual ways.

A grievance knows nothing of verdicts: what its sides ask out of place is refused, and that is part of
the history. Instants hug the dues on purpose: exactly due, one second later, days behind.
"""

import random
from bisect import bisect_left
from datetime import datetime, timedelta
from typing import Any

from tests.oracle.calendar import end_of, local_day, working_day_after
from tests.oracle.histories import Step
from tests.oracle.province import Province

H, D, S = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
KINDS = ["short_supply", "late_delivery", "selective_delivery", "illegible_lot", "other"]
Asked = tuple[datetime, Step]


class Grievance:
    """One ticket, from its opening on: what its sides ask of the platform, and when."""

    def __init__(
        self,
        rng: random.Random,
        land: Province,
        stops: list[datetime],
        serial: int,
        at: datetime,
        **fixed: Any,
    ) -> None:
        self.rng, self.stops, self.opened_at = rng, stops, at
        self.hospital = fixed.get("hospital") or rng.choice(list(land.hospitals))
        self.product = fixed.get("product") or rng.choice(land.products)
        enterprises = sorted({*land.distributors, *land.manufacturers})
        self.addressees = rng.sample(enterprises, rng.choice([1, 1, 2]))
        self.roles = {one: self.role(land, one) for one in self.addressees}
        self.ticket_id = f"{self.hospital}-T{serial:04d}"
        self.asked: list[Asked] = []

    def role(self, land: Province, enterprise: str) -> str:
        """As whom an enterprise answers; one that is both, as either."""
        kinds = ["distributor"] * (enterprise in land.distributors)
        kinds += ["manufacturer"] * (enterprise in land.manufacturers)
        return self.rng.choice(kinds)

    def soon(self, at: datetime) -> datetime:
        """The first stop of the clock at or after an instant."""
        place = bisect_left(self.stops, at)
        return self.stops[place] if place < len(self.stops) else at

    def say(self, actor: str, at: datetime, name: str, **body: Any) -> datetime:
        """One POST."""
        self.asked.append((at, ("ask", actor, self.ticket_id, name, body)))
        return at

    def by_hospital(self, at: datetime, name: str, **body: Any) -> datetime:
        """One POST of the hospital."""
        return self.say(f"hospital:{self.hospital}", at, name, **body)

    def by_addressee(self, at: datetime, name: str, **body: Any) -> datetime:
        """One POST of an addressee."""
        one = self.rng.choice(self.addressees)
        return self.say(f"{self.roles[one]}:{one}", at, name, **body)

    def open(self) -> None:
        """The ticket itself."""
        body = {
            "ticket_id": self.ticket_id,
            "hospital_id": self.hospital,
            "product_id": self.product,
            "addressees": self.addressees,
            "category": self.rng.choice(KINDS),
            "description": "迟迟不到货",
        }
        if self.rng.random() < 0.2:
            body["prominent"] = True
        self.by_hospital(self.opened_at, "open", **body)
        if self.rng.random() < 0.1:
            self.by_hospital(self.soon(self.opened_at + H), "open", **body)

    def live(self) -> list[Asked]:
        """Opened, and whatever comes of it."""
        self.open()
        lives = [self.kept, self.late, self.unreplied, self.relapsing, self.closed, self.forgotten]
        self.rng.choices(lives, [6, 4, 3, 4, 2, 2])[0]()
        return sorted(self.asked, key=lambda one: one[0])

    def reply(self, at: datetime) -> datetime:
        """A reply, promising something the rule allows; returns what it promises."""
        limit = end_of(working_day_after(local_day(at), 5))
        wishes = [at + 30 * H, end_of(local_day(at) + D), limit - H / 2, limit]
        promised = self.rng.choice(wishes)
        self.by_addressee(at, "reply", promised_at=promised.isoformat())
        if self.rng.random() < 0.15:
            again = self.soon(at + H)
            self.by_addressee(again, "reply", promised_at=(again + 20 * H).isoformat())
        return promised

    @property
    def reply_due(self) -> datetime:
        """24:00 of the second working day."""
        return end_of(working_day_after(local_day(self.opened_at), 2))

    def silence(self, solved: datetime) -> datetime:
        """When silence confirms: 24:00 of the third working day."""
        return end_of(working_day_after(local_day(solved), 3))

    def replied(self) -> datetime:
        """A reply within the reply due, or at it."""
        return self.reply(self.rng.choice([self.soon(self.opened_at + 3 * H), self.reply_due]))

    def around(self, due: datetime) -> datetime:
        """Solved before a due, at it, just behind it, or long after."""
        early = self.soon(due - 9 * H)
        return self.rng.choice([min(early, due), due, due + S, self.soon(due + 2 * D)])

    def kept(self) -> None:
        """Replied and solved, about when it was promised; confirmed, or left to silence."""
        solved = self.by_addressee(self.around(self.replied()), "solved")
        if self.rng.random() < 0.5:
            self.by_hospital(self.soon(solved + 5 * H), "confirm")
        if self.rng.random() < 0.4:
            self.by_hospital(
                self.rng.choice([self.soon(solved + 30 * H), self.silence(solved) - S]), "reopen"
            )

    def late(self) -> None:
        """A reply behind the reply due, whose promise counts for nothing."""
        promised = self.reply(
            self.rng.choice([self.reply_due + S, self.soon(self.reply_due + 9 * H)])
        )
        self.by_addressee(self.rng.choice([self.soon(promised - 20 * H), promised]), "solved")

    def unreplied(self) -> None:
        """Solved about the reply due, without a word before; a reply now and then after it."""
        solved = self.by_addressee(self.around(self.reply_due), "solved")
        if self.rng.random() < 0.5:
            self.reply(self.soon(solved + H))

    def relapsing(self) -> None:
        """Solved early, taken back, solved again: in time, late, or never; or taken back too late."""
        promised = self.replied() if self.rng.random() < 0.7 else self.reply_due
        first = self.by_addressee(self.soon(self.opened_at + 8 * H), "solved")
        silence = self.silence(first)
        back = self.by_hospital(
            self.rng.choice([self.soon(first + 2 * H), silence - S, silence]), "reopen"
        )
        if self.rng.random() < 0.7:
            self.by_addressee(max(self.soon(back + H), self.around(promised)), "solved")

    def closed(self) -> None:
        """A bureau ends it, solved or not; what is asked afterwards comes too late."""
        if self.rng.random() < 0.5:
            self.by_addressee(self.around(self.replied()), "solved")
        end = self.soon(self.opened_at + self.rng.choice([5 * H, 3 * D, 9 * D]))
        self.say("bureau:360000", end, "close", reason="另案处理")
        self.by_addressee(self.soon(end + H), "solved")

    def forgotten(self) -> None:
        """Nobody says a word."""

"""One ticket, told from section 9: what is done to it, what passes by itself, what it then is.

Readings
- What is due at an instant has happened before a fact posted at it. At one instant the order is:
  reply overdue, promise broken, supervision begins, a level up (or province overdue), confirmed.
- A reply while solved, confirmed or closed is `wrong_state`; only where a reply could stand is a
  second one `already_replied`.
- After a reopen nothing is solved, so there is no `solved_at`; `closed_at` is for `closed` alone.
- What the rules bring about is done by `system`, though an act was its occasion: supervision that
  begins at an opening or a reopen, and every step up.
- The hops of a prominent opening each begin a level; the levels passed through stop at once.
- A promise limit is met as it begins: it judges the promise, and the accepted reply keeps it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime

from tests.oracle.calendar import due_day, local_day
from tests.oracle.ticket_days import Calendar
from tests.oracle.ticket_deadlines import Deadline, counted
from tests.oracle.ticket_parties import LEVELS, bureau_of, division, level_of, may, sees

REPLY, PROMISE, CONFIRM, LEVEL = 2, 5, 3, 3
"""Working days: to reply, that a promise may take, of silence after `solved`, on one level."""

AT_ONE_INSTANT = ("reply_due", "promised", "level_due", "confirm_due")


@dataclass(frozen=True)
class Verdict:
    """What a request is answered."""

    status: int
    code: str | None = None


@dataclass
class Step:
    """One item of the history; `came`, `went` are its `from`, `to`."""

    type: str
    at: datetime
    by: str
    came: str | None = None
    went: str | None = None
    late: bool = False


@dataclass
class Ticket:
    """A ticket from its opening on. Acts come in the order of their instants."""

    calendar: Calendar
    hospital_id: str
    addressees: list[str]
    opened_at: datetime
    by: str
    prominent: bool = False
    state: str = "open"
    supervised: bool = False
    level: str | None = None
    promised_at: datetime | None = None
    solved_at: datetime | None = None
    closed_at: datetime | None = None
    reopened_under_supervision: bool = False
    history: list[Step] = field(default_factory=list)
    deadlines: list[Deadline] = field(default_factory=list)

    def __post_init__(self) -> None:
        """The opening: a reply is due, and a prominent ticket climbs at once."""
        at = self.opened_at
        self.history.append(Step("opened", at, self.by))
        self._begin("reply_due", at, local_day(at), REPLY)
        if self.prominent:
            self._begin_supervision(at, local_day(at))
            while self.level != "province":
                self._climb(at, local_day(at))

    # ── what it is ────────────────────────────────────────────────────────────────────────────

    @property
    def territory(self) -> str:
        """The level of the hospital's own bureau, where supervision begins."""
        return level_of(division(self.hospital_id))

    @property
    def bureau(self) -> str:
        """The territorial bureau until supervision moves it."""
        return bureau_of(division(self.hospital_id), self.level or self.territory)

    @property
    def replied(self) -> bool:
        """Whether a reply was accepted."""
        return self.promised_at is not None

    @property
    def ended(self) -> bool:
        """Whether nothing more can happen to it."""
        return self.state in ("confirmed", "closed")

    def recorded(self, type_: str) -> bool:
        """Whether the history names this."""
        return any(step.type == type_ for step in self.history)

    # ── what is done to it ────────────────────────────────────────────────────────────────────

    def act(
        self, at: datetime, kind: str, actor: str, promised_at: datetime | None = None
    ) -> Verdict:
        """One POST to `.../{kind}`; what is due by then has happened before."""
        self.advance(at)
        refused = self._refused(at, kind, actor, promised_at)
        if refused is not None:
            return refused
        done: dict[str, Callable[[], None]] = {
            "reply": lambda: self._reply(at, actor, promised_at or at),
            "solved": lambda: self._solve(at, actor),
            "confirm": lambda: self._confirm(at, actor),
            "reopen": lambda: self._reopen(at, actor),
            "supervise": lambda: self.history.append(Step("supervised", at, actor)),
            "close": lambda: self._close(at, actor),
        }
        done[kind]()
        return Verdict(200)

    def _refused(
        self, at: datetime, kind: str, actor: str, promised_at: datetime | None
    ) -> Verdict | None:
        """Of several faults the first of 404, 403, 422, 409."""
        if not sees(actor, self.hospital_id, self.addressees):
            return Verdict(404, "not_found")
        if not may(actor, kind, self.bureau):
            return Verdict(403, "forbidden")
        if kind == "reply" and (code := self._wrong_promise(at, promised_at)):
            return Verdict(422, code)
        if not self._in_place(kind):
            return Verdict(409, "wrong_state")
        if kind == "reply" and self.replied:
            return Verdict(409, "already_replied")
        return None

    def _wrong_promise(self, at: datetime, promised_at: datetime | None) -> str | None:
        if promised_at is None:
            return "promise_missing"
        if promised_at <= at:
            return "promise_in_past"
        limit = counted("promise_limit", at, local_day(at), PROMISE, self.calendar)
        return "promise_too_late" if promised_at > limit.due_at else None

    def _in_place(self, kind: str) -> bool:
        if kind in ("confirm", "reopen"):
            return self.state == "solved"
        if kind in ("supervise", "close"):
            return not self.ended
        return self.state in ("open", "promised")

    def _reply(self, at: datetime, actor: str, promised_at: datetime) -> None:
        due = self._last("reply_due")
        # Judged by the due and not by what was recorded: nothing is recorded while it is solved.
        self.history.append(Step("replied", at, actor, late=at > due.due_at))
        if due.state == "running":
            due.meet()
        self._begin("promise_limit", at, local_day(at), PROMISE).meet()
        self.deadlines.append(Deadline("promised", at, promised_at))
        self.promised_at, self.state = promised_at, "promised"

    def _solve(self, at: datetime, actor: str) -> None:
        self.history.append(Step("solved", at, actor))
        self._stop_all()
        self._begin("confirm_due", at, local_day(at), CONFIRM)
        self.solved_at, self.state = at, "solved"

    def _confirm(self, at: datetime, by: str) -> None:
        self.history.append(Step("confirmed", at, by))
        self._last("confirm_due").meet()
        for deadline in self.deadlines:
            if deadline.name == "promised":
                deadline.meet()
        self.state = "confirmed"

    def _reopen(self, at: datetime, actor: str) -> None:
        self.history.append(Step("reopened", at, actor))
        self._last("confirm_due").stop()
        self.solved_at, self.state = None, "promised" if self.replied else "open"
        for deadline in self.deadlines:
            waits = deadline.name == "promised" or (
                deadline.name == "reply_due" and not self.replied
            )
            if waits and at < deadline.due_at:
                deadline.run_again()
        if self.supervised:
            self._reopen_again(at)
        elif self.promised_at is None or at >= self.promised_at:
            self._begin_supervision(at, local_day(at))

    def _reopen_again(self, at: datetime) -> None:
        """Under supervision the first reopen keeps the level, each further one goes up."""
        if self.reopened_under_supervision and self.level != "province":
            self._climb(at, local_day(at))
        else:
            self._begin("level_due", at, local_day(at), LEVEL)
        self.reopened_under_supervision = True

    def _close(self, at: datetime, actor: str) -> None:
        self.history.append(Step("closed", at, actor))
        self._stop_all()
        self.closed_at, self.state = at, "closed"

    # ── what passes by itself ─────────────────────────────────────────────────────────────────

    def advance(self, now: datetime) -> None:
        """Everything due by now happens, each at its own instant."""
        while due := [d for d in self.deadlines if d.state == "running" and d.due_at <= now]:
            first = min(due, key=lambda d: (d.due_at, AT_ONE_INSTANT.index(d.name)))
            first.state = "passed"
            self._passed(first.name, first.due_at)

    def load(self, at: datetime, calendar: Calendar) -> None:
        """A year of the calendar was loaded: only running deadlines move."""
        self.advance(at)
        self.calendar = calendar
        for deadline in self.deadlines:
            deadline.move(calendar, at)
        self.advance(at)  # one that moved to this very instant has passed

    def _passed(self, name: str, at: datetime) -> None:
        if name == "confirm_due":
            self._confirm(at, "silence")
        elif name == "level_due":
            self._level_passed(at)
        else:
            type_ = "reply_overdue" if name == "reply_due" else "promise_broken"
            self.history.append(Step(type_, at, "system"))
            if not self.supervised:
                self._begin_supervision(at, due_day(at))

    def _level_passed(self, at: datetime) -> None:
        if self.level != "province":
            self._climb(at, due_day(at))
        elif not self.recorded("province_overdue"):
            self.history.append(Step("province_overdue", at, "system"))

    def _begin_supervision(self, at: datetime, day: date) -> None:
        self.supervised, self.level = True, self.territory
        self.history.append(Step("supervision_began", at, "system", None, self.level))
        self._begin("level_due", at, day, LEVEL)

    def _climb(self, at: datetime, day: date) -> None:
        """One level up, never two."""
        below = self.level or self.territory
        self.level = LEVELS[LEVELS.index(below) + 1]
        self.history.append(Step("escalated", at, "system", below, self.level))
        self._last("level_due").stop()
        self._begin("level_due", at, day, LEVEL)

    # ── its deadlines ─────────────────────────────────────────────────────────────────────────

    def _begin(self, name: str, at: datetime, day: date, count: int) -> Deadline:
        begun = counted(name, at, day, count, self.calendar)
        self.deadlines.append(begun)
        return begun

    def _last(self, name: str) -> Deadline:
        return [d for d in self.deadlines if d.name == name][-1]

    def _stop_all(self) -> None:
        """`solved` stops every clock, and so does the end."""
        for deadline in self.deadlines:
            deadline.stop()

"""The decider of tickets beside the model that reads the contract: told the same, and compared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import msgspec

from services.feedback import commands
from services.feedback.domain.moving import moved_deadlines
from services.feedback.domain.reciting import Recited, recited
from services.feedback.domain.ticket import Step, Ticket
from services.feedback.domain.world import Registered, World
from services.feedback.policy import ticket_terms
from shared.events.feedback import FACTS, TICKET_OPENED, DeadlineMoved, TicketFact
from shared.kernel.calendar import WorkCalendar
from shared.kernel.calendar_years import SpecialDay
from shared.kernel.decider import Decider, Sent
from shared.runtime.judging import Batch, Verdict
from shared.store.calendar_files import shipped_calendar
from shared.store.log import StreamRow
from shared.store.policy_files import shipped_policy
from tests.oracle import ticket_acts as wishes
from tests.oracle import tickets as oracle
from tests.oracle.calendar import local_day
from tests.oracle.ticket_days import shipped
from tests.oracle.ticket_parties import sees
from tests.oracle.ticket_reading import document, unlike
from tests.oracle.ticket_town import CITY, COUNTY, PROVINCIAL, D, M
from tests.oracle.wire import parse_time

REGISTERED = Registered(
    hospitals={COUNTY: None, CITY: None, PROVINCIAL: None},
    enterprises=frozenset({D, M}),
    products={"P": None},
)
TERMS = ticket_terms(shipped_policy())
ACTS = {
    "reply": lambda by, promised_at: commands.Reply(by=by, promised_at=promised_at),
    "solved": lambda by, _: commands.Solve(by=by),
    "confirm": lambda by, _: commands.Confirm(by=by),
    "reopen": lambda by, _: commands.Reopen(by=by),
    "supervise": lambda by, _: commands.Supervise(by=by, measure="约谈", note=""),
    "close": lambda by, _: commands.Close(by=by, reason="其他"),
}
STATUS = {"forbidden": 403, "wrong_state": 409, "already_replied": 409}


class Log:
    """Tickets as they are stored: rows between batches, and every fact in its order."""

    def __init__(self, calendar: WorkCalendar, decider: Decider[Ticket, World]) -> None:
        self.calendar, self.decider = calendar, decider
        self.rows: dict[str, StreamRow] = {}
        self.facts: dict[str, list[tuple[str, TicketFact]]] = {}

    @property
    def world(self) -> World:
        """What the next batch stands on."""
        return World(REGISTERED, self.calendar, TERMS)

    def batch(self, now: datetime) -> Batch[Ticket, World]:
        """A batch over the rows as they are."""
        return Batch(self.decider, self.rows, {}, now, self.world)

    def judge(self, now: datetime, sent: Sent) -> Verdict:
        """One command, alone in its batch."""
        batch = self.batch(now)
        verdict = batch.judge(sent)
        self._store(batch)
        return verdict

    def wake(self, now: datetime) -> None:
        """What an awake worker does: it comes at every due, and finds nothing afterwards."""
        while dues := [due for due in map(self.decider.due, self._states()) if due and due <= now]:
            batch = self.batch(min(dues))
            batch.wake_all(list(self.rows), min(dues))
            assert batch.events
            self._store(batch)

    def load(self, now: datetime, after: WorkCalendar) -> None:
        """A year of the calendar: what has passed by now passed by the old one."""
        before, batch = self.calendar, self.batch(now)
        batch.wake_all(list(self.rows), now)
        self._store(batch)
        self.calendar = after
        batch = self.batch(now)
        for name in self.rows:
            batch.apply(name, lambda ticket: list(moved_deadlines(ticket, before, self.world, now)))
        self._store(batch)

    def read(self, name: str, now: datetime) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The ticket as a reader sees it, whoever is awake, and its deadlines."""
        state, done = self.decider.until(
            self.decider.decode(self.rows[name].state), now, self.world
        )
        told = [*self.facts[name], *((decided.type, decided.fact) for decided in done)]
        return _document(state), [_item(one) for one in recited(told, now)]

    def _states(self) -> list[Ticket]:
        return [self.decider.decode(row.state) for row in self.rows.values()]

    def _store(self, batch: Batch[Ticket, World]) -> None:
        for event in batch.events:
            fact = msgspec.json.decode(event.fact, type=FACTS[event.type])
            self.facts.setdefault(event.stream, []).append((event.type, fact))
        for name, stream in batch.streams.items():
            if stream.touched and stream.state is not None:
                assert stream.version == len(self.facts[name])
                self.rows[name] = StreamRow(stream.version, self.decider.encode(stream.state))


def _document(ticket: Ticket) -> dict[str, Any]:
    same = (
        "state", "supervised", "level", "bureau", "hospital_id", "addressees", "prominent",
        "promised_at", "solved_at", "opened_at", "closed_at",
    )  # fmt: skip
    return {
        **{name: getattr(ticket, name) for name in same},
        "history": [_step(step) for step in ticket.history],
    }


def _step(step: Step) -> dict[str, Any]:
    told = {
        "type": step.type, "at": step.at, "from": step.came_from, "to": step.went_to, "by": step.by,
    }  # fmt: skip
    return {**told, "late": True} if step.more.get("late") else told


def _item(one: Recited) -> dict[str, Any]:
    deadline = one.deadline
    return {
        "name": deadline.name,
        "from": deadline.start,
        "due_at": deadline.due_at,
        "state": one.state,
        "provisional": deadline.provisional,
        "calendar_version": deadline.calendar_version,
        "days": [
            {"date": day.date.isoformat(), "counted": day.counted, "reason": day.reason}
            for day in deadline.days
        ],
    }


@dataclass
class Play:
    """The decider and the model, told the same."""

    now: datetime
    log: Log
    models: dict[str, oracle.Ticket]
    awake: bool

    def wait(self, wait: wishes.Wait) -> None:
        """Time goes on."""
        self.now = wishes.instant(wait, self.now, self.models.values())
        if self.awake:
            self.log.wake(self.now)
        for model in self.models.values():
            model.advance(self.now)

    def open(self, name: str, hospital: str, prominent: bool, calendar: Any) -> None:
        """A ticket nobody has opened yet."""
        by = f"hospital:{hospital}"
        command = commands.OpenTicket(
            ticket_id=f"{hospital}-{name}", hospital_id=hospital, product_id="P",
            addressees=(D, M), category="other", description="断供", order_ids=(),
            prominent=prominent, by=by,
        )  # fmt: skip
        assert self.log.judge(self.now, self._sent(name, TICKET_OPENED, command, by)).status == (
            "accepted"
        )
        self.models[name] = oracle.Ticket(calendar, hospital, [D, M], self.now, by, prominent)

    def act(self, number: int, act: wishes.Act) -> None:
        """Somebody's act; who does not see the ticket is the door's affair, as is a missing promise."""
        name = list(self.models)[number % len(self.models)]
        model = self.models[name]
        act = wishes.fitting(act, model)
        by, promised = wishes.actor(act, model), wishes.promised(act, model, self.now)
        unseen = not sees(by, model.hospital_id, model.addressees)
        if unseen or (act.kind == "reply" and promised is None):
            return
        meant = model.act(self.now, act.kind, by, promised if act.kind == "reply" else None)
        command = ACTS[act.kind](by, promised)
        told = self.log.judge(
            self.now, self._sent(name, f"jicai.ticket.{act.kind}.v1", command, by)
        )
        code = None if told.refusal is None else told.refusal.code
        status = 200 if code is None else STATUS.get(code, 422)
        assert (status, code) == (meant.status, meant.code), f"{act} at {self.now}: {told}"

    def load(self, notice: wishes.Notice) -> None:
        """A year is announced, or announced anew."""
        year = wishes.year_of(notice, self.now)
        days = wishes.days_of(notice, year, local_day(self.now))
        special = [
            SpecialDay(date.fromisoformat(d["date"]), d["kind"], d["name"])  # type: ignore[arg-type]
            for d in days
        ]
        after = self.log.calendar.with_year(year, special)
        before = {name: len(facts) for name, facts in self.log.facts.items()}
        self.log.load(self.now, after)
        for name, model in self.models.items():
            model.advance(self.now)
            runs = {deadline.name for deadline in wishes.running(model)}
            new = [fact for _, fact in self.log.facts[name][before[name] :]]
            moved = {fact.name for fact in new if isinstance(fact, DeadlineMoved)}
            assert moved <= runs, f"{name} at {self.now}: what does not run has moved"
            model.load(self.now, model.calendar.loaded(year, days, after.version))

    def compare(self) -> None:
        """Each ticket is the model's."""
        for name, model in self.models.items():
            told, deadlines = self.log.read(name, self.now)
            assert told == document(model), f"{name} at {self.now}"
            assert unlike(deadlines, model) == [], f"{name} at {self.now}"

    def _sent(self, name: str, type_: str, command: Any, by: str) -> Sent:
        role, organisation = by.split(":")
        number = sum(len(facts) for facts in self.log.facts.values())
        return Sent(
            name, f"urn:jicai:{organisation}", f"{name}-{number}-{type_}", type_, self.now, b"",
            b"", command, role, organisation,
        )  # fmt: skip


def beginning(
    at: str, awake: bool, openings: list[tuple[str, bool]], decider: Decider[Ticket, World]
) -> Play:
    """The tickets of a play, opened at one instant."""
    calendar = shipped_calendar()
    play = Play(parse_time(at), Log(calendar, decider), {}, awake)
    for number, (hospital, prominent) in enumerate(openings):
        model = replace(shipped(), version=calendar.version)
        play.open(f"T{number}", hospital, prominent, model)
    return play

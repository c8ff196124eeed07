"""What people do with a ticket (工单处理): reply, solve, confirm, reopen, supervise, close."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from services.feedback.commands import Close, Confirm, Reopen, Reply, Solve, Supervise
from services.feedback.domain.counting import counted
from services.feedback.domain.supervising import escalates, next_rung, supervision_begins
from services.feedback.domain.telling import naming
from services.feedback.domain.ticket import FINAL, UNSOLVED, Ticket
from services.feedback.domain.world import World
from shared.events.feedback import (
    Closed,
    Confirmed,
    Deadline,
    Reopened,
    Replied,
    Solved,
    Supervised,
)
from shared.kernel.clock import local_text
from shared.kernel.decider import Decided
from shared.kernel.errors import Refusal


def reply(ticket: Ticket, command: Reply, now: datetime, world: World) -> Replied:
    """A reply with a promise of at most five working days (A4.3, A4.4); the first one stands."""
    limit = counted("promise_limit", now, world)
    _check_promise(command.promised_at, now, limit.due_at)
    if ticket.state == "promised":
        raise Refusal(
            "already_replied",
            "该工单已有回复, 以首次回复为准",
            "the ticket has its reply; the first one stands",
        )
    _check_state(ticket, {"open"})
    promised = Deadline(name="promised", start=now, due_at=command.promised_at)
    return Replied(
        **naming(ticket, command.by, now),
        promised_at=command.promised_at,
        late=now > ticket.reply_due.due_at,
        deadlines=[limit, promised],
    )


def _check_promise(promised_at: datetime, now: datetime, limit: datetime) -> None:
    if promised_at <= now:
        raise Refusal(
            "promise_in_past",
            "承诺时间须晚于现在",
            "a promise lies in the future",
            pointer="/promised_at",
        )
    if promised_at > limit:
        raise Refusal(
            "promise_too_late",
            f"承诺时限不得超过回复后的第5个工作日, 最迟 {local_text(limit)}",
            f"a promise reaches to the 5th working day after the reply, {local_text(limit)}",
            pointer="/promised_at",
        )


def solve(ticket: Ticket, command: Solve, now: datetime, world: World) -> Solved:
    """An addressee says it is solved, replied or not: every clock stops, the hospital is asked."""
    _check_state(ticket, UNSOLVED)
    asked = counted("confirm_due", now, world)
    return Solved(**naming(ticket, command.by, now), deadlines=[asked])


def confirm(ticket: Ticket, command: Confirm, now: datetime) -> Confirmed:
    """The hospital confirms (确认解决)."""
    _check_state(ticket, {"solved"})
    return Confirmed(**naming(ticket, command.by, now))


def reopen(ticket: Ticket, command: Reopen, now: datetime, world: World) -> Reopened:
    """The hospital says it is not solved: the clocks run again that had not run out (重新打开)."""
    _check_state(ticket, {"solved"})
    again = list(_run_again(ticket, now))
    if ticket.supervised and not _climbs(ticket):
        again.append(counted("level_due", now, world))
    return Reopened(**naming(ticket, command.by, now), deadlines=again)


def after_reopening(ticket: Ticket, now: datetime, world: World) -> list[Decided]:
    """What a reopening brings about, told of the ticket before it (A4.6).

    Under supervision the first one leaves the level, each further one goes up. Else supervision
    begins, unless the promised instant is still to come.
    """
    if ticket.supervised:
        rung = next_rung(ticket) if _climbs(ticket) else None
        return [] if rung is None else [escalates(ticket, rung, now, world)]
    if ticket.promised_at is not None and now < ticket.promised_at:
        return []
    return [supervision_begins(ticket, now, world)]


def _climbs(ticket: Ticket) -> bool:
    return ticket.reopened_under_supervision and next_rung(ticket) is not None


def _run_again(ticket: Ticket, now: datetime) -> Iterator[Deadline]:
    """With the due it had, and without the days it counted: they were told when it began."""
    if ticket.replied_at is not None and ticket.promised_at is not None:
        if now < ticket.promised_at:
            yield Deadline(name="promised", start=ticket.replied_at, due_at=ticket.promised_at)
    elif now < ticket.reply_due.due_at:
        due = ticket.reply_due
        yield Deadline(
            name="reply_due",
            start=due.start,
            due_at=due.due_at,
            calendar_version=due.calendar_version,
            provisional=due.provisional,
        )


def supervise(ticket: Ticket, command: Supervise, now: datetime) -> Supervised:
    """A measure is recorded and stops no clock (A4.5: 约谈、督导等)."""
    _check_not_final(ticket)
    return Supervised(**naming(ticket, command.by, now), measure=command.measure, note=command.note)


def close(ticket: Ticket, command: Close, now: datetime) -> Closed:
    """A bureau ends it, whatever its state (关闭工单)."""
    _check_not_final(ticket)
    return Closed(**naming(ticket, command.by, now), reason=command.reason)


def _check_not_final(ticket: Ticket) -> None:
    if ticket.state in FINAL:
        raise _wrong_state(ticket)


def _check_state(ticket: Ticket, allowed: frozenset[str] | set[str]) -> None:
    if ticket.state not in allowed:
        raise _wrong_state(ticket)


_IN_CHINESE = {
    "open": "待回复",
    "promised": "已承诺",
    "solved": "已解决待确认",
    "confirmed": "已确认",
    "closed": "已关闭",
}


def _wrong_state(ticket: Ticket) -> Refusal:
    return Refusal(
        "wrong_state",
        f"工单当前状态为“{_IN_CHINESE[ticket.state]}”, 不能进行此操作",
        f"the ticket is {ticket.state}: this cannot be done now",
    )

"""All that may happen to a ticket, on one page: the decider of tickets (反馈处理规则, A4)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from services.feedback.commands import (
    Act,
    Close,
    Confirm,
    OpenTicket,
    Reopen,
    Reply,
    Solve,
    Supervise,
)
from services.feedback.domain import acting, passing
from services.feedback.domain.evolving import evolve
from services.feedback.domain.opening import open_ticket
from services.feedback.domain.supervising import straight_to_the_province
from services.feedback.domain.telling import said
from services.feedback.domain.ticket import Ticket, columns, decode, encode
from services.feedback.domain.world import World
from shared.events import feedback as facts
from shared.kernel.decider import Decided, Decider, Sent
from shared.kernel.errors import Refusal


def authorise(ticket: Ticket | None, sent: Sent, _world: World) -> None:
    """Who may do what (经办权限): a hospital with its own, an addressee, the bureau in charge."""
    if isinstance(sent.command, OpenTicket):
        if sent.role != "hospital" or sent.organisation != sent.command.hospital_id:
            raise Refusal(
                "not_yours",
                "只有该医疗机构可以提交自己的反馈",
                "only the hospital itself opens its tickets",
                pointer="/hospital_id",
            )
    elif ticket is None:
        raise Refusal("not_found", "工单不存在", "no such ticket")
    elif not may_act(ticket, sent.command, sent.role, sent.organisation):
        raise Refusal(
            "forbidden", "该机构不能对此工单进行此操作", "this is not yours to do with this ticket"
        )


def may_act(ticket: Ticket, act: Act | type[Act], role: str, organisation: str) -> bool:
    """Whether this organisation may do this with the ticket as it stands."""
    kind = act if isinstance(act, type) else type(act)
    if kind in (Reply, Solve):
        return role in ("distributor", "manufacturer") and organisation in ticket.addressees
    if kind in (Confirm, Reopen):
        return role == "hospital" and organisation == ticket.hospital_id
    province = ticket.ladder[-1].bureau
    return role == "bureau" and organisation in (ticket.bureau, province)


def decide(ticket: Ticket | None, sent: Sent, now: datetime, world: World) -> Decided:
    """The facts that a command becomes, or a refusal."""
    if isinstance(sent.command, OpenTicket):
        return _opened(ticket, sent, now, world)
    assert ticket is not None
    match sent.command:
        case Reply() as command:
            return said(facts.REPLIED, acting.reply(ticket, command, now, world), sent)
        case Solve() as command:
            return said(facts.SOLVED, acting.solve(ticket, command, now, world), sent)
        case Confirm() as command:
            return said(facts.CONFIRMED, acting.confirm(ticket, command, now), sent)
        case Reopen() as command:
            reopened = acting.reopen(ticket, command, now, world)
            also = acting.after_reopening(ticket, now, world)
            return said(facts.REOPENED, reopened, sent, also=also)
        case Supervise() as command:
            return said(facts.SUPERVISED, acting.supervise(ticket, command, now), sent)
        case Close() as command:
            return said(facts.CLOSED, acting.close(ticket, command, now), sent)
    raise TypeError(f"{sent.command!r} is nothing a ticket knows")


def _opened(ticket: Ticket | None, sent: Sent, now: datetime, world: World) -> Decided:
    fact = open_ticket(ticket, sent.command, now, world)
    also: list[Decided] = []
    if fact.prominent:
        opened = evolve(None, facts.TICKET_OPENED, fact)
        also = list(straight_to_the_province(opened, now, world))
    return said(facts.TICKET_OPENED, fact, sent, also=also)


TICKETS: Final[Decider[Ticket, World]] = Decider(
    authorise=authorise,
    decide=decide,
    evolve=evolve,
    due=passing.due,
    wake=passing.wake,
    encode=encode,
    decode=decode,
    columns=columns,
)

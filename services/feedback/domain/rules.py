"""All that may happen to a ticket, on one page: the decider of tickets (反馈处理规则, A4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from services.feedback.commands import OpenTicket
from services.feedback.domain.opening import open_ticket
from services.feedback.domain.ticket import Ticket, columns, decode, encode, evolve
from services.feedback.domain.world import World
from shared.events.topics import FEEDBACK
from shared.kernel.decider import Decided, Decider, Sent
from shared.kernel.errors import Refusal


def authorise(_ticket: Ticket | None, sent: Sent, _world: World) -> None:
    """Only a hospital speaks for itself; the door has told others 403 before (本机构的工单)."""
    command: OpenTicket = sent.command
    if sent.role != "hospital" or sent.organisation != command.hospital_id:
        raise Refusal(
            "not_yours",
            "只有该医疗机构可以提交自己的反馈",
            "only the hospital itself opens its tickets",
            pointer="/hospital_id",
        )


def decide(ticket: Ticket | None, sent: Sent, now: datetime, world: World) -> Decided:
    """The fact that a command becomes, or a refusal."""
    fact = open_ticket(ticket, sent.command, now, world)
    addressees = " ".join(fact.addressees)
    return Decided(
        topic=FEEDBACK,
        type=sent.type,
        fact=fact,
        at=now,
        sent=sent,
        hospital_id=fact.hospital_id,
        # An addressee may be a distributor, a manufacturer or both: it is found under either name.
        distributor_id=addressees,
        manufacturers=addressees,
    )


def due(_ticket: Ticket) -> datetime | None:
    """Deadlines are recorded at the opening; nothing fires by itself yet (时限)."""
    return None


def wake(_ticket: Ticket, _at: datetime) -> Sequence[Decided]:
    """Nothing happens by itself yet."""
    return []


TICKETS: Final[Decider[Ticket, World]] = Decider(
    authorise=authorise,
    decide=decide,
    evolve=evolve,
    due=due,
    wake=wake,
    encode=encode,
    decode=decode,
    columns=columns,
)

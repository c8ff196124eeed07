"""Opening a ticket (提交反馈): what must be registered, and by when a reply is due."""

from __future__ import annotations

from datetime import datetime

from services.feedback.commands import OpenTicket
from services.feedback.domain.counting import counted
from services.feedback.domain.ladder import ladder_of
from services.feedback.domain.ticket import Ticket
from services.feedback.domain.world import World
from shared.events.feedback import TicketOpened
from shared.kernel.codes import division_of
from shared.kernel.errors import Refusal


def open_ticket(
    ticket: Ticket | None, command: OpenTicket, now: datetime, world: World
) -> TicketOpened:
    """The opening as a fact, with its reply due: 24:00 of the 2nd working day after it (A4.3)."""
    _check_registered(command, world)
    if ticket is not None:
        raise Refusal(
            "conflicting_duplicate",
            "该工单编号已用于不同的内容",
            "this ticket id was used for other content",
            pointer="/ticket_id",
        )
    reply_due = counted("reply_due", now, world)
    return TicketOpened(
        ticket_id=command.ticket_id,
        hospital_id=command.hospital_id,
        product_id=command.product_id,
        addressees=list(command.addressees),
        category=command.category,
        description=command.description,
        order_ids=list(command.order_ids),
        prominent=command.prominent,
        by=command.by,
        at=now,
        hospital_level=world.registered.hospitals[command.hospital_id],
        product_category=world.registered.products[command.product_id],
        reply_due=reply_due.due_at,
        calendar_version=world.calendar.version,
        provisional=reply_due.provisional,
        ladder=ladder_of(division_of(command.hospital_id)),
        deadlines=[reply_due],
    )


def _check_registered(command: OpenTicket, world: World) -> None:
    registered = world.registered
    if command.hospital_id not in registered.hospitals:
        raise _unknown("hospital", "医疗机构", command.hospital_id, "/hospital_id")
    if command.product_id not in registered.products:
        raise _unknown("product", "产品", command.product_id, "/product_id")
    for number, addressee in enumerate(command.addressees):
        if addressee not in registered.enterprises:
            raise _unknown("distributor", "企业", addressee, f"/addressees/{number}")


def _unknown(kind: str, name: str, value: str, pointer: str) -> Refusal:
    """Retryable: the register may be on its way to us (引用未登记)."""
    return Refusal(
        f"unknown_{kind}",
        f"{name} {value} 未登记; 若刚刚登记, 请稍后重试",
        f"{kind} {value} is not registered; if it has just been, try again",
        pointer=pointer,
        retryable=True,
    )

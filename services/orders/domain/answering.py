"""Answering and cancelling lines (响应与撤销)."""

from __future__ import annotations

from datetime import datetime

from services.orders.commands import AnswerOrder, CancelOrder, LineAnswer
from services.orders.domain.enriching import of_line, of_order
from services.orders.domain.order import Order
from services.orders.domain.refusals import refused
from services.orders.domain.world import World
from shared.events.orders import Answered, AnsweredLine, Cancelled, LineFact
from shared.kernel.decider import Sent


def answer(order: Order, sent: Sent, now: datetime, world: World) -> Answered:
    """The first answer stands; answering is possible before and after dispatch."""
    command: AnswerOrder = sent.command
    if command.lines is None:
        answers = [
            LineAnswer(line.line_id, True, None, None)
            for line in order.lines.values()
            if line.can_be_answered
        ]
        if not answers:
            raise refused("already_answered", "/data/order_id")
    else:
        answers = command.lines
        for number, given in enumerate(answers):
            _check_answer(order, given, f"/data/lines/{number}/line_id")
    return Answered(
        *of_order(order, _platform_instant(sent, now)),
        lines=[
            AnsweredLine(
                *of_line(order.lines[given.line_id]),
                answer="accepted" if given.accepted else "refused",
                reason_code=given.reason_code,
                promised_at=given.promised_at,
                listing_suspended=world.registers.is_suspended(
                    order.lines[given.line_id].product_id
                ),
            )
            for given in answers
        ],
    )


def _check_answer(order: Order, given: LineAnswer, pointer: str) -> None:
    line = order.lines.get(given.line_id)
    if line is None:
        raise refused("unknown_line", pointer)
    if line.cancelled:
        raise refused("line_cancelled", pointer)
    if line.void:
        raise refused("line_void", pointer)
    if line.accepted is not None:
        raise refused("already_answered", pointer)


def cancel(order: Order, sent: Sent, now: datetime) -> Cancelled:
    """Possible until the line is dispatched; no lines named = every line that still can be."""
    command: CancelOrder = sent.command
    if command.line_ids is None:
        line_ids = [x.line_id for x in order.lines.values() if x.is_open and not x.dispatched]
        if not line_ids:
            raise refused("nothing_to_cancel", "/data/order_id")
    else:
        line_ids = command.line_ids
        for number, line_id in enumerate(line_ids):
            _check_cancel(order, line_id, f"/data/line_ids/{number}")
    return Cancelled(
        *of_order(order, _platform_instant(sent, now)),
        line_ids=line_ids,
        reason=command.reason,
        lines=[LineFact(*of_line(order.lines[line_id])) for line_id in line_ids],
    )


def _check_cancel(order: Order, line_id: str, pointer: str) -> None:
    line = order.lines.get(line_id)
    if line is None:
        raise refused("unknown_line", pointer)
    if line.void:
        raise refused("line_void", pointer)
    if line.cancelled:
        raise refused("already_cancelled", pointer)
    if line.dispatched:
        raise refused("already_dispatched", pointer)


def _platform_instant(sent: Sent, now: datetime) -> datetime:
    """Acts on the platform count when the other side can see them; an importer's when it says."""
    return sent.occurred_at if sent.role == "importer" else now

"""Lines that are contested (争议办理): they leave their statement, and their returns leave theirs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from services.settlement.api.judged import problem_of
from services.settlement.api.statements.pending import no_draft_pending
from services.settlement.domain.disputing import NamedLine, marked, opened
from services.settlement.domain.disputing import stream_of as dispute_stream
from services.settlement.domain.statement import StatementStream, stream_of
from services.settlement.projections.statement_lines import named_lines, returns_along
from services.settlement.projections.statements import open_of_pair
from shared.events.statements import DisputeOpened
from shared.kernel.errors import Refusal, malformed
from shared.runtime.deciding import Held, decide_together
from shared.runtime.problems import refusal_problem
from shared.runtime.room import Room


async def contest(
    room: Room, row: Any, line_ids: Sequence[str], reason: str, by: str
) -> DisputeOpened:
    """Dispute these lines of a statement; a Problem where it cannot be. Durable when it returns.

    The pair's open statements are locked together: a return may be deducted in another one. Only a
    draft adds to them, and no draft is under way.
    """
    wanted = _numbers(line_ids)
    statement_id: str = row["statement_id"]
    among = await open_of_pair(room.pool, row["hospital_id"], row["payee_id"])
    streams = {stream_of(one) for one in {*among, statement_id}}

    async def work(hold: Held) -> DisputeOpened:
        await no_draft_pending(room, hold)
        lines = await named_lines(hold.tx, statement_id, wanted)
        if len(lines) < len(wanted):
            raise refusal_problem(_unknown_line())
        return await _mark(hold, statement_id, _named(lines), among, reason, by)

    try:
        return await decide_together(room, streams, work)
    except Refusal as refusal:
        raise problem_of(refusal) from None


async def _mark(
    hold: Held,
    statement_id: str,
    lines: Sequence[NamedLine],
    among: Sequence[str],
    reason: str,
    by: str,
) -> DisputeOpened:
    stream = stream_of(statement_id)
    state = hold.batch.state_of(stream)
    assert isinstance(state, StatementStream)
    dispute = opened(state, lines, reason, by, hold.now)
    numbers = [int(line.line_id) for line in lines]
    along = await returns_along(hold.tx, statement_id, numbers, among)
    hold.batch.record(dispute_stream(dispute.fact.dispute_id), dispute)
    hold.batch.record(stream, marked(state, dispute.fact, lines))
    for other, found in groupby(along, key=lambda line: line["statement_id"]):
        theirs = hold.batch.state_of(stream_of(other))
        assert isinstance(theirs, StatementStream)
        left = marked(theirs, dispute.fact, _named(found), is_along=True)
        hold.batch.record(stream_of(other), left)
    fact: DisputeOpened = dispute.fact
    return fact


def _numbers(line_ids: Sequence[str]) -> list[int]:
    """Lines by number; 422 for one that is named twice or is no line of anything."""
    if len(set(line_ids)) < len(line_ids):
        raise refusal_problem(malformed("同一明细列了两次", "a line is named twice", "/line_ids"))
    if not all(one.isascii() and one.isdigit() and len(one) <= 18 for one in line_ids):
        raise refusal_problem(_unknown_line())
    numbers = [int(one) for one in line_ids]
    if any(str(number) != text for number, text in zip(numbers, line_ids, strict=True)):
        raise refusal_problem(_unknown_line())
    return numbers


def _unknown_line() -> Refusal:
    return Refusal(
        "unknown_line",
        "对账单没有这样的明细",
        "the statement has no such line",
        pointer="/line_ids",
    )


def _named(lines: Any) -> list[NamedLine]:
    return [NamedLine(str(one["line"]), one["amount_fen"], one["is_disputed"]) for one in lines]

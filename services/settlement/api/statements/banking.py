"""What the bank reports, over HTTP (银行回执接口)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple

from fastapi import APIRouter, Depends, Request

from services.settlement.api.judged import problem_of
from services.settlement.api.ledger.access import finance_only
from services.settlement.api.statements.access import is_of_pool
from services.settlement.api.statements.views import statement_now
from services.settlement.domain.statement import StatementStream, stream_of
from services.settlement.domain.stepping import BankWord, report
from services.settlement.projections.payments import (
    bearers_of,
    find_payment,
    statements_paid_by,
)
from services.settlement.sets.suspending import held_back
from shared.kernel.errors import Problem, Refusal
from shared.runtime.actors import Actor, CurrentActor, not_found
from shared.runtime.bodies import json_object
from shared.runtime.deciding import Held, decide_together
from shared.runtime.fields import Body, Day, Text
from shared.runtime.room import Room, room_of
from shared.runtime.said import documented, read_as

router = APIRouter(prefix="/settlement/v1", tags=["statements 对账单"])
SettlementRoom = Annotated[Room, Depends(room_of("settlement"))]


_CHUNK: Final = 250
"""So many words are recorded in one transaction: each locks a statement (分批)."""


class Outcome(NamedTuple):
    """What became of one word of the bank's: the statement that the payment is for, or a problem."""

    statement_id: str
    problem: Problem | None = None


class BankResultBody(Body):
    """What became of a payment (银行回执)."""

    payment_id: Text
    result: Literal["paid", "failed"]
    bank_reference: Text | None = None
    value_date: Day | None = None
    reason: Text | None = None


@router.post("/bank-results", summary="银行回执", openapi_extra=documented(BankResultBody))
async def post_bank_result(
    actor: CurrentActor, room: SettlementRoom, request: Request
) -> dict[str, Any]:
    """支付成功即记账; 失败则退回待支付, 可再次支付. 同样的回执再报不变, 相反的回执为 409."""
    finance_only(actor)
    said = await json_object(request)
    await _seen(room, actor, said.get("payment_id"))
    body = read_as(BankResultBody, said)
    word = BankWord(body.payment_id, body.result, body.bank_reference, body.value_date, body.reason)
    statement_id = await report_word(room, word, str(actor))
    return await statement_now(room, statement_id)


async def _seen(room: Room, actor: Actor, payment_id: Any) -> None:
    """Another pool's payment is 404, before whatever else is wrong with the words."""
    if isinstance(payment_id, str) and "\0" not in payment_id:
        try:
            payment = await find_payment(room.pool, payment_id)
        except UnicodeEncodeError:
            return
        if payment is not None and not is_of_pool(actor, "finance", payment["hospital_id"]):
            raise not_found("没有这笔支付, 或不属于本统筹区", "no such payment, or another pool's")


async def report_word(room: Room, word: BankWord, by: str) -> str:
    """Record what the bank says; the statement that it pays. A Problem where it cannot be so."""
    [outcome] = await report_words(room, [word], by)
    if outcome.problem is not None:
        raise outcome.problem
    return outcome.statement_id


async def report_words(room: Room, words: Sequence[BankWord], by: str) -> list[Outcome]:
    """Record what the bank says of each payment, in this order; what cannot be so stops no other.

    Durable when it returns: a chunk is one transaction, so who is cut off sends the same again.
    """
    outcomes: list[Outcome] = []
    for start in range(0, len(words), _CHUNK):
        outcomes += await _report(room, words[start : start + _CHUNK], by)
    return outcomes


async def _report(room: Room, words: Sequence[BankWord], by: str) -> list[Outcome]:
    ids = await statements_paid_by(room.pool, [word.payment_id for word in words])
    streams = {stream_of(statement_id) for statement_id in ids.values()}

    async def work(hold: Held) -> list[Outcome]:
        suspended = await held_back(hold.tx, sorted(set(ids.values())), hold.now)
        said = [word.bank_reference for word in words if word.bank_reference is not None]
        bearers = await bearers_of(hold.tx, said)
        outcomes: list[Outcome] = []
        for word in words:
            statement_id = ids.get(word.payment_id, "")
            try:
                if not statement_id:
                    raise _unknown_payment()
                is_suspended = statement_id in suspended
                _take(hold, statement_id, word, bearers, by, is_suspended=is_suspended)
                outcomes.append(Outcome(statement_id))
            except Refusal as refusal:
                outcomes.append(Outcome(statement_id, problem_of(refusal)))
            except Problem as problem:
                outcomes.append(Outcome(statement_id, problem))
        return outcomes

    return await decide_together(room, streams, work)


def _take(
    hold: Held,
    statement_id: str,
    word: BankWord,
    bearers: dict[str, str],
    by: str,
    *,
    is_suspended: bool,
) -> None:
    """One word; `bearers` says which payment bears a reference, those of this chunk included."""
    stream = stream_of(statement_id)
    state = hold.batch.state_of(stream)
    assert isinstance(state, StatementStream)
    decided = report(state, word, by, hold.now, is_suspended=is_suspended)
    if not decided:
        return
    reference, payment_id = word.bank_reference, word.payment_id
    if reference is not None and bearers.setdefault(reference, payment_id) != payment_id:
        raise _reference_taken()
    for one in decided:
        hold.batch.record(stream, one)


def _unknown_payment() -> Refusal:
    return Refusal(
        "unknown_payment", "没有这笔支付", "there is no such payment", pointer="/payment_id"
    )


def _reference_taken() -> Problem:
    """409 for a bank reference that another payment bears."""
    return Problem(
        409,
        "bank_reference_taken",
        "该银行流水号已用于另一笔支付",
        "another payment bears this bank reference",
    )

"""Payees' accounts over HTTP (收款账户接口): set and blocked by finance of the province."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from services.settlement.api.judged import problem_of
from services.settlement.api.payees.access import Onlooker, account_seen, keeper
from services.settlement.api.payees.views import account_document
from services.settlement.api.registered import distributor_registered
from services.settlement.domain.payee import PayeeStream, block, set_account, stream_of, unblock
from services.settlement.projections.payees import (
    Account,
    account_of,
    find_account,
    list_accounts,
    mark_blocked,
    put_account,
)
from shared.kernel.codes import is_uscc
from shared.kernel.decider import Decided
from shared.kernel.errors import Refusal, malformed
from shared.runtime.actors import Acting, ActingPerson
from shared.runtime.bodies import json_object
from shared.runtime.deciding import Held, decide_together
from shared.runtime.fields import Body, Text, Uscc, Words, checked
from shared.runtime.pages import After, Limit, cursor, page, read_cursor
from shared.runtime.problems import refusal_problem
from shared.runtime.room import Room, room_of
from shared.runtime.said import documented, read_as

router = APIRouter(prefix="/settlement/v1/payee-accounts", tags=["payments 支付"])
SettlementRoom = Annotated[Room, Depends(room_of("settlement"))]

# Long enough that the last four characters give little away.
_NUMBER: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{7,33}")
_CODE: Final = re.compile(r"[0-9]{12}")
AccountNumber = Annotated[
    Words,
    checked(lambda text: _NUMBER.fullmatch(text) is not None, "8 to 34 digits, letters or hyphens"),
]
BankCode = Annotated[
    Words, checked(lambda text: _CODE.fullmatch(text) is not None, "expected 12 digits")
]
Act = Callable[[PayeeStream, Held], Sequence[Decided]]


class AssigneeBody(Body):
    """To whom the receivable is assigned (保理受让方), by which contract: the account is theirs."""

    name: Text
    contract: Text


class AccountBody(Body):
    """Where money for a payee goes (收款账户); `bank_code` is the bank's 12-digit number (联行号)."""

    account_name: Annotated[Text, Field(max_length=200)]
    account_number: AccountNumber
    bank_name: Annotated[Text, Field(max_length=200)]
    bank_code: BankCode
    assignee: AssigneeBody | None = None


class ReasonBody(Body):
    """Why it is blocked or unblocked (原因)."""

    reason: Text


@router.put("/{payee_id}", summary="登记收款账户", openapi_extra=documented(AccountBody))
async def put_payee_account(
    payee_id: str, acting: ActingPerson, room: SettlementRoom, request: Request
) -> dict[str, Any]:
    """省级财务登记或更换企业的收款账户 (保理的, 登记受让方账户); 只影响以后的支付, 已冻结的仍冻结."""
    keeper(acting.actor)
    if not is_uscc(payee_id):
        raise refusal_problem(malformed("不是统一社会信用代码", "no USCC", "/payee_id"))
    acting.person()
    body = read_as(AccountBody, await json_object(request))
    await distributor_registered(room, payee_id)
    account = _account(body)
    stream = stream_of(payee_id)

    async def work(hold: Held) -> None:
        state = hold.batch.state_of(stream)
        row = await find_account(hold.tx, payee_id)
        if row is not None and account_of(row) == account:
            return
        version = 1 if row is None else row["version"] + 1
        by = str(acting.actor)
        decided = set_account(state, payee_id, account.told(version), by, hold.now)
        hold.batch.record(stream, decided)
        # The number is in no fact, so what a fact brings about cannot write it: it is done here.
        await put_account(hold.tx, payee_id, version, account, hold.now, by)

    await decide_together(room, [stream], work)
    return account_document(await account_seen(room, acting.actor, payee_id), acting.actor)


@router.post("/{payee_id}/block", summary="冻结收款账户", openapi_extra=documented(ReasonBody))
async def post_block(
    payee_id: str, acting: ActingPerson, room: SettlementRoom, request: Request
) -> dict[str, Any]:
    """冻结后对该企业的支付回答 409 payee_account_blocked; 已发出的支付不受影响."""
    reason = await _reason(room, acting, payee_id, request)

    def act(state: PayeeStream, hold: Held) -> Sequence[Decided]:
        return block(state, payee_id, reason, str(acting.actor), hold.now)

    return await _done(room, acting, payee_id, act, reason, is_blocked=True)


@router.post("/{payee_id}/unblock", summary="解冻收款账户", openapi_extra=documented(ReasonBody))
async def post_unblock(
    payee_id: str, acting: ActingPerson, room: SettlementRoom, request: Request
) -> dict[str, Any]:
    """解冻后可以再次支付; 同样的操作再报不变."""
    reason = await _reason(room, acting, payee_id, request)

    def act(state: PayeeStream, hold: Held) -> Sequence[Decided]:
        return unblock(state, payee_id, reason, str(acting.actor), hold.now)

    return await _done(room, acting, payee_id, act, reason, is_blocked=False)


@router.get("", summary="收款账户")
async def get_accounts(
    actor: Onlooker,
    room: SettlementRoom,
    payee_id: Uscc | None = None,
    after: After = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """收款账户, 按企业排列; 企业只见自己的. 账号除财务和企业本身外只显示末四位."""
    [behind] = read_cursor(after, str) if after is not None else [""]
    wanted = actor.organisation if actor.role == "distributor" else payee_id
    rows = []
    if payee_id in (None, wanted):
        rows = await list_accounts(room.pool, wanted, after=behind, limit=limit)
    items = [account_document(row, actor) for row in rows]
    return page(items, limit, cursor(items[-1]["payee_id"]) if items else None)


@router.get("/{payee_id}", summary="一家企业的收款账户")
async def get_account(payee_id: str, actor: Onlooker, room: SettlementRoom) -> dict[str, Any]:
    """当前登记的收款账户及其是否冻结."""
    return account_document(await account_seen(room, actor, payee_id), actor)


async def _reason(room: Room, acting: Acting, payee_id: str, request: Request) -> str:
    keeper(acting.actor)
    await account_seen(room, acting.actor, payee_id)
    acting.person()
    return read_as(ReasonBody, await json_object(request)).reason


async def _done(
    room: Room, acting: Acting, payee_id: str, act: Act, reason: str, *, is_blocked: bool
) -> dict[str, Any]:
    """The account after the act; the same act again changes nothing."""
    stream = stream_of(payee_id)

    async def work(hold: Held) -> None:
        state = hold.batch.state_of(stream)
        assert isinstance(state, PayeeStream)
        decided = act(state, hold)
        for one in decided:
            hold.batch.record(stream, one)
        if decided:
            await mark_blocked(hold.tx, payee_id, reason, is_blocked=is_blocked)

    try:
        await decide_together(room, [stream], work)
    except Refusal as refusal:
        raise problem_of(refusal) from None
    return account_document(await account_seen(room, acting.actor, payee_id), acting.actor)


def _account(body: AccountBody) -> Account:
    assignee = body.assignee
    return Account(
        body.account_name,
        body.account_number,
        body.bank_name,
        body.bank_code,
        None if assignee is None else assignee.name,
        None if assignee is None else assignee.contract,
    )

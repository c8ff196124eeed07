"""Entries over HTTP (凭证接口): read by id, and undone by their mirror."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from services.settlement.api.judged import as_sent, conflict, month_closed, problem_of
from services.settlement.api.ledger.access import Area, area_of, finance_only
from services.settlement.commands import ReverseEntry
from services.settlement.domain.reversal import EntryStream, stream_of
from services.settlement.projections.entries import Stored, find_entry, list_entries
from services.settlement.projections.ledger import MonthClosed
from services.settlement.projections.payments import prepaid_lock
from services.settlement.projections.prepaid import is_untouched
from shared.events.settlement import ENTRY_REVERSED
from shared.kernel.clock import local_text
from shared.kernel.codes import is_path_id
from shared.kernel.entries import owner_of, posting_documents
from shared.runtime.actors import Acting, ActingPerson, Actor, not_found
from shared.runtime.bodies import json_object
from shared.runtime.deciding import Held, decide_together
from shared.runtime.fields import Body, Text
from shared.runtime.pages import After, Limit, cursor, page, read_cursor
from shared.runtime.room import Room, room_of
from shared.runtime.said import Said, documented, read_as

router = APIRouter(prefix="/settlement/v1/entries", tags=["ledger 账本"])
SettlementRoom = Annotated[Room, Depends(room_of("settlement"))]


class ReversalBody(Body):
    """Why an entry is undone (冲销原因)."""

    reason: Text


@router.get("", summary="凭证")
async def get_entries(
    area: Area, room: SettlementRoom, after: After = None, limit: Limit = 100
) -> dict[str, Any]:
    """记账凭证, 按编号排列; `seq` 与 `sha256` 是封存后在存证链中的次序与哈希."""
    [behind] = read_cursor(after, str) if after is not None else [""]
    stored = await list_entries(room.pool, area, after=behind, limit=limit)
    items = [entry_document(one) for one in stored]
    return page(items, limit, cursor(items[-1]["entry_id"]) if items else None)


@router.post("/{entry_id}/reverse", summary="冲销凭证", openapi_extra=documented(ReversalBody))
async def post_reverse(
    entry_id: str, acting: ActingPerson, room: SettlementRoom, request: Request
) -> dict[str, Any]:
    """以红字凭证冲销一笔抵扣或预付; 每笔至多一次, 记在当前月份. 须由绑定到个人的密钥发起."""
    actor = acting.actor
    stored = await _seen(room, actor, entry_id)
    finance_only(actor)
    acting.person()
    said = await json_object(request)
    reason = read_as(ReversalBody, said).reason
    state = await _reverse(room, acting, stored, {**said, "entry_id": entry_id, "by": str(actor)})
    if state.reversed.reason != reason:
        raise conflict()
    reversal = await find_entry(room.pool, state.reversed.entry_id)
    assert reversal is not None
    return entry_document(reversal)


async def _seen(room: Room, actor: Actor, entry_id: str) -> Stored:
    """The entry, if there is one and this caller may see it; else 404."""
    area = area_of(actor)
    stored = await find_entry(room.pool, entry_id) if is_path_id(entry_id) else None
    if area is None or stored is None or not stored.division.startswith(area):
        raise not_found("凭证不存在, 或您无权查看", "no such entry, or not yours to see")
    return stored


async def _reverse(room: Room, acting: Acting, stored: Stored, words: Said) -> EntryStream:
    """The entry's one reversal, made now or before; behind the lock of whoever draws the prepaid."""
    entry = stored.entry
    stream = stream_of(entry.entry_id)
    prepaid = [p.account for p in entry.postings if p.account.endswith(":prepaid")]
    locks = [prepaid_lock(owner) for account in prepaid if (owner := owner_of(account))]

    async def work(hold: Held) -> EntryStream:
        if hold.batch.state_of(stream) is None:
            untouched = not prepaid or await is_untouched(hold.tx, prepaid[0], entry.entry_id)
            command = _command(stored, words["reason"], acting, untouched)
            sent = as_sent(acting.actor, stream, ENTRY_REVERSED, command, words, hold.now)
            refusal = hold.batch.judge(sent).refusal
            if refusal is not None:
                raise problem_of(refusal)
        state = hold.batch.state_of(stream)
        assert isinstance(state, EntryStream)
        return state

    try:
        return await decide_together(room, [stream], work, locks=locks)
    except MonthClosed:
        raise month_closed() from None


def _command(stored: Stored, reason: str, acting: Acting, untouched: bool) -> ReverseEntry:
    entry = stored.entry
    return ReverseEntry(
        entry_id=entry.entry_id,
        key=entry.key,
        division=stored.division,
        postings=tuple((p.account, p.debit_fen, p.credit_fen) for p in entry.postings),
        untouched=untouched,
        reason=reason,
        by=str(acting.actor),
    )


def entry_document(stored: Stored) -> dict[str, Any]:
    """One entry: the members the contract names, its place, and where it stands in the chain."""
    entry = stored.entry
    return {
        "entry_id": entry.entry_id,
        "at": local_text(entry.at),
        "key": entry.key,
        "postings": posting_documents(entry.postings),
        "reverses": entry.reverses,
        "division": stored.division,
        "seq": stored.seq,
        "sha256": stored.sha256,
    }

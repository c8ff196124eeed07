"""The chain over HTTP (存证链接口): blocks, signed roots, and the proof of the whole ledger."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from services.settlement.api.ledger.access import reader
from services.settlement.api.ledger.verifying import seal, verify
from services.settlement.domain.chain import STREAM
from services.settlement.projections.chain import list_blocks
from services.settlement.projections.roots import list_roots
from shared.events.settlement import RootPublished
from shared.kernel.clock import local_text
from shared.runtime.pages import After, Limit, cursor, page, read_cursor
from shared.runtime.room import Room, room_of

router = APIRouter(prefix="/settlement/v1", tags=["ledger 账本"], dependencies=[Depends(reader)])
SettlementRoom = Annotated[Room, Depends(room_of("settlement"))]


@router.get("/verify", summary="核验账本")
async def get_verify(room: SettlementRoom) -> dict[str, Any]:
    """重算全部余额与存证链, 与已发布的根哈希比对; 有误时指出第一笔不符的凭证及原因."""
    proof = await verify(room)
    return {
        "ok": proof.bad is None,
        "entries": proof.entries,
        "first_bad": None if proof.bad is None else proof.bad.entry_id,
        "fault": None if proof.bad is None else proof.bad.fault,
        "wrong_balances": proof.balances,
    }


@router.get("/roots", summary="每日根哈希")
async def get_roots(
    room: SettlementRoom, after: After = None, limit: Limit = 100
) -> dict[str, Any]:
    """每日24时对存证链签名的根哈希; 签名内容为 `at` (UTC)、`entries`、`root` 的 RFC 8785 JSON."""
    await seal(room)
    [behind] = read_cursor(after, int) if after is not None else [0]
    roots = await list_roots(room.pool, STREAM, after=behind, limit=limit)
    return page([_root(fact) for _, fact in roots], limit, cursor(roots[-1][0]) if roots else None)


@router.get("/blocks", summary="存证链区块")
async def get_blocks(
    room: SettlementRoom, after: After = None, limit: Limit = 100
) -> dict[str, Any]:
    """存证链: 每块的哈希覆盖前一块与本块凭证的哈希, 以换行相连; `entries` 是至本块为止的凭证数."""
    await seal(room)
    [behind] = read_cursor(after, int) if after is not None else [0]
    rows = await list_blocks(room.pool, after=behind, limit=limit)
    items = [
        {
            "number": row["number"],
            "at": local_text(row["at"]),
            "entries": row["entries"],
            "previous": row["previous"],
            "root": row["root"],
        }
        for row in rows
    ]
    return page(items, limit, cursor(items[-1]["number"]) if items else None)


def _root(fact: RootPublished) -> dict[str, Any]:
    return {
        "day": fact.day,
        "at": local_text(fact.at),
        "blocks": fact.blocks,
        "entries": fact.entries,
        "root": fact.root,
        "algorithm": fact.algorithm,
        "signature": fact.signature,
        "public_key": fact.public_key,
    }

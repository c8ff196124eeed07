"""Balances over HTTP (科目余额接口)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from services.settlement.api.ledger.access import AccountArea
from services.settlement.projections.chain import balance
from shared.kernel.clock import local_day
from shared.runtime.fields import Day
from shared.runtime.room import Room, room_of

router = APIRouter(prefix="/settlement/v1", tags=["ledger 账本"])
SettlementRoom = Annotated[Room, Depends(room_of("settlement"))]
AsOf = Annotated[Day | None, Query(description="截止日 (北京时间), 含当日; 缺省为今天")]


@router.get("/accounts/{account}", summary="科目余额")
async def get_account(
    account: str, area: AccountArea, room: SettlementRoom, as_of: AsOf = None
) -> dict[str, Any]:
    """借方、贷方发生额与余额 (借减贷), 截至某日含当日; 企业科目对医保经办机构只计本辖区."""
    day = local_day(await room.now()) if as_of is None else date.fromisoformat(as_of)
    debit_fen, credit_fen = await balance(room.pool, account, day, area)
    return {
        "account": account,
        "debit_fen": debit_fen,
        "credit_fen": credit_fen,
        "balance_fen": debit_fen - credit_fen,
        "as_of": day.isoformat(),
    }

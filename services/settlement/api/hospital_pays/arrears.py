"""What hospitals owe over HTTP (欠款监测接口): by hospital and payee, and line by line."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from services.settlement.api.hospital_pays.access import hospital_pays, payee_of, seen
from services.settlement.api.hospital_pays.owing import list_arrears
from services.settlement.api.hospital_pays.sheet import sheet
from services.settlement.api.hospital_pays.views import arrears_document, line_document
from services.settlement.api.parties import Party
from services.settlement.policy import hospital_pays_pools, payment_terms
from services.settlement.sets.dues import START, LineKey, due_lines
from shared.kernel.clock import local_day
from shared.kernel.codes import is_hospital_id, is_uscc
from shared.runtime.downloads import Format
from shared.runtime.fields import Day, HospitalId, Uscc
from shared.runtime.pages import After, Limit, bad_cursor, cursor, page, read_cursor
from shared.runtime.room import Room, room_of

router = APIRouter(prefix="/settlement/v1/arrears", tags=["hospital pays 医疗机构结算"])
SettlementRoom = Annotated[Room, Depends(room_of("settlement"))]
AsOf = Annotated[Day | None, Query(description="截止日 (北京时间), 含当日; 缺省为今天")]
Overdue = Annotated[bool, Query(description="只列逾期未付的明细")]
PaidToo = Annotated[bool, Query(description="已付清的明细也列出")]


@router.get("", summary="医疗机构欠款及账龄", response_model=None)
async def get_arrears(
    actor: Party,
    room: SettlementRoom,
    request: Request,
    hospital_id: HospitalId | None = None,
    payee_id: Uscc | None = None,
    as_of: AsOf = None,
    after: After = None,
    limit: Limit = 100,
    format: Format = "json",
) -> dict[str, Any] | Response:
    """每家医疗机构对每家企业: 应付、未到期、分账龄的逾期金额、最早到期日.

    `mode` 为 `hospital` (医疗机构付款) 或 `fund` (医保基金直接结算, 此处无欠款).
    """
    day = await _day(room, as_of)
    behind = _pair_behind(after)
    payee = payee_of(actor, payee_id)
    if payee_id not in (None, payee):
        found = []
    else:
        found = await list_arrears(room, actor, hospital_id, payee, day, after=behind, limit=limit)
    last = found[-1] if found else None
    document = {
        **page(
            [arrears_document(*one) for one in found],
            limit,
            cursor(last.hospital_id, last.payee_id) if last else None,
        ),
        **_frame(room, day, hospital_id),
    }
    return document if format == "json" else sheet("arrears", document, request, format)


@router.get("/{hospital_id}/lines", summary="医疗机构应付明细", response_model=None)
async def get_lines(
    hospital_id: str,
    actor: Party,
    room: SettlementRoom,
    request: Request,
    payee_id: Uscc | None = None,
    as_of: AsOf = None,
    overdue: Overdue = False,
    paid: PaidToo = False,
    after: After = None,
    limit: Limit = 100,
    format: Format = "json",
) -> dict[str, Any] | Response:
    """一家医疗机构未付清的验收明细及到期日, 按企业、到期日排列; 付款先冲抵先到期的."""
    seen(actor, hospital_id)
    day = await _day(room, as_of)
    behind = _line_behind(after)
    payee = payee_of(actor, payee_id)
    rows = []
    if payee_id in (None, payee) and hospital_pays(room, hospital_id):
        rows = await due_lines(
            room.pool,
            hospital_id,
            payee,
            payment_terms(room.policy),
            day,
            paid_too=paid,
            overdue_only=overdue,
            after=behind,
            limit=limit,
        )
    items = [line_document(row, day) for row in rows]
    document = {
        **page(items, limit, _line_cursor(items[-1]) if items else None),
        **_frame(room, day, hospital_id),
        "hospital_id": hospital_id,
    }
    return document if format == "json" else sheet("lines", document, request, format)


async def _day(room: Room, as_of: str | None) -> date:
    return local_day(await room.now()) if as_of is None else date.fromisoformat(as_of)


def _frame(room: Room, day: date, hospital_id: str | None) -> dict[str, Any]:
    """What the figures stand on: the mode, the day, the terms and their policy version."""
    pools = sorted(hospital_pays_pools(room.policy))
    terms = payment_terms(room.policy)
    pays = bool(pools) if hospital_id is None else hospital_pays(room, hospital_id)
    return {
        "mode": "hospital" if pays else "fund",
        "pools": pools,
        "as_of": day.isoformat(),
        "due": {"days": terms.days} if terms.days is not None else {"months": terms.months},
        "policy_version": terms.version,
    }


def _pair_behind(after: str | None) -> tuple[str, str]:
    if after is None:
        return "", ""
    hospital_id, payee_id = read_cursor(after, str, str)
    if not (is_hospital_id(hospital_id) and is_uscc(payee_id)):
        raise bad_cursor()
    return hospital_id, payee_id


def _line_cursor(item: dict[str, Any]) -> str:
    names = ("payee_id", "due_on", "order_id", "receipt_id", "order_line_id")
    return cursor(*(item[name] for name in names))


def _line_behind(after: str | None) -> LineKey:
    if after is None:
        return START
    payee_id, due_on, order_id, receipt_id, line_id = read_cursor(after, str, str, str, str, str)
    try:
        return payee_id, date.fromisoformat(due_on), order_id, receipt_id, line_id
    except ValueError:
        raise bad_cursor() from None

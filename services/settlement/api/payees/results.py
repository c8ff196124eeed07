"""The bank's answer to a file over HTTP (支付结果接口): each row by itself, as many as the file has."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError

from services.settlement.api.ledger.access import finance_only
from services.settlement.api.payees.access import Cashier, file_seen
from services.settlement.api.payees.answers import Answer, listed, tabled
from services.settlement.api.statements.banking import BankResultBody, Outcome, report_words
from services.settlement.domain.stepping import BankWord
from services.settlement.projections.payment_files import payments_of
from shared.kernel.errors import Problem, Refusal, malformed
from shared.runtime.bodies import read_body
from shared.runtime.problems import language_of, refusal_problem
from shared.runtime.room import Room, room_of
from shared.runtime.said import read_as

router = APIRouter(prefix="/settlement/v1/payment-files", tags=["payments 支付"])
SettlementRoom = Annotated[Room, Depends(room_of("settlement"))]

_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_SHEETS: Final = ("text/csv", _XLSX, "application/octet-stream", "application/vnd.ms-excel")
_DOCUMENTED: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "array", "items": BankResultBody.model_json_schema()}
            },
            **{kind: {"schema": {"type": "string", "format": "binary"}} for kind in _SHEETS},
        },
    }
}


@router.post("/{file_id}/results", summary="上传支付结果", openapi_extra=_DOCUMENTED)
async def post_results(
    file_id: str, actor: Cashier, room: SettlementRoom, request: Request
) -> dict[str, Any]:
    """银行对支付文件的答复 (JSON 列表、CSV 或 XLSX): 逐行登记, 一行有误不影响其余; 重传不变."""
    await file_seen(room, actor, file_id)
    finance_only(actor)
    answers = await _read(request)
    words, outcomes = _words(answers, await payments_of(room.pool, file_id))
    reported = await report_words(room, [word for _, word in words], str(actor))
    outcomes |= {place: one for (place, _), one in zip(words, reported, strict=True)}
    language = language_of(request)
    results = [
        _result(number, said, outcomes[place], language)
        for place, (number, said) in enumerate(answers)
    ]
    return {"file_id": file_id, "rows": len(results), "results": results}


async def _read(request: Request) -> list[Answer]:
    """The rows of the body by its media type; 415 for another."""
    declared = request.headers.get("content-type", "application/json")
    kind = declared.partition(";")[0].strip().lower()
    if kind != "application/json" and kind not in _SHEETS:
        raise Problem(
            415,
            "unsupported_media_type",
            f"不支持的媒体类型 {kind}; 请上传 JSON、CSV 或 XLSX",
            f"media type {kind} is not taken; send JSON, CSV or XLSX",
        )
    body = await read_body(request)
    if kind == "application/json":
        return listed(body)
    # Thousands of rows take longer to read than the others on this loop should wait.
    return await asyncio.to_thread(tabled, body)


def _words(
    answers: list[Answer], payments: dict[str, str]
) -> tuple[list[tuple[int, BankWord]], dict[int, Outcome]]:
    """What can be reported, by its place; and what cannot, with its problem."""
    words: list[tuple[int, BankWord]] = []
    faults: dict[int, Outcome] = {}
    for place, (_, said) in enumerate(answers):
        try:
            word = _word(said)
        except Problem as problem:
            faults[place] = Outcome("", problem)
            continue
        if word.payment_id in payments:
            words.append((place, word))
        else:
            faults[place] = Outcome("", refusal_problem(_unknown()))
    return words, faults


def _word(said: Any) -> BankWord:
    if not isinstance(said, dict):
        raise refusal_problem(malformed("应为对象", "expected an object", ""))
    try:
        body = read_as(BankResultBody, said)
    except RequestValidationError as error:
        fault = error.errors()[0]
        pointer = "".join(f"/{part}" for part in fault["loc"][1:])
        told = str(fault["msg"])
        raise refusal_problem(malformed(f"格式不正确: {told}", told, pointer)) from None
    return BankWord(body.payment_id, body.result, body.bank_reference, body.value_date, body.reason)


def _unknown() -> Refusal:
    return Refusal(
        "unknown_payment",
        "该支付文件中没有这笔支付",
        "the file has no such payment",
        pointer="/payment_id",
    )


def _result(number: int, said: Any, outcome: Outcome, language: str) -> dict[str, Any]:
    named = said.get("payment_id") if isinstance(said, dict) else None
    result: dict[str, Any] = {
        "row": number,
        # Whatever else may stand there is no id, and perhaps nothing that JSON can say.
        "payment_id": named if isinstance(named, str) else None,
        "statement_id": outcome.statement_id or None,
        "status": 200,
        "code": None,
    }
    problem = outcome.problem
    if problem is not None:
        detail = problem.detail_en if language == "en" else problem.detail_zh
        result |= {"status": problem.status, "code": problem.code, "detail": detail}
        if problem.errors:
            result["pointer"] = problem.errors[0]["pointer"]
    return result

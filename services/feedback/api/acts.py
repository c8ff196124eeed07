"""What people do with tickets, over HTTP (工单处理接口)."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request

from services.feedback.api.acting import Asked, act
from services.feedback.api.bodies import (
    ClosingBody,
    MeasureBody,
    ReplyBody,
)
from services.feedback.api.looking import shown
from services.feedback.commands import Close, Confirm, Reopen, Reply, Solve, Supervise
from shared.events import feedback as facts
from shared.kernel.clock import parse_instant
from shared.kernel.errors import Refusal, malformed
from shared.runtime.actors import ActingPerson
from shared.runtime.room import Room, room_of
from shared.runtime.said import Said, documented, read_as

_CONFLICT: Final[dict[int | str, dict[str, Any]]] = {
    403: {"description": "不是您可以进行的操作"},
    404: {"description": "工单不存在, 或您无权查看"},
    409: {"description": "当前状态下不能进行此操作"},
    422: {"description": "内容有误"},
}
router = APIRouter(
    prefix="/feedback/v1/tickets/{ticket_id}", tags=["tickets 反馈工单"], responses=_CONFLICT
)
FeedbackRoom = Annotated[Room, Depends(room_of("feedback"))]
Document = dict[str, Any]


def _reply(said: Said, by: str) -> Reply:
    promised_at = read_as(ReplyBody, said).promised_at
    if promised_at is None:
        raise Refusal(
            "promise_missing",
            "回复时须承诺问题解决时限",
            "a reply promises when it will be solved",
            pointer="/promised_at",
        )
    try:
        return Reply(promised_at=parse_instant(promised_at), by=by)
    except ValueError:
        raise malformed("承诺时间格式不正确", "not an instant", "/promised_at") from None


def _supervise(said: Said, by: str) -> Supervise:
    body = read_as(MeasureBody, said)
    return Supervise(measure=body.measure, note=body.note, by=by)


def _close(said: Said, by: str) -> Close:
    return Close(reason=read_as(ClosingBody, said).reason, by=by)


REPLY: Final = Asked(Reply, facts.REPLIED, _reply)
SOLVE: Final = Asked(Solve, facts.SOLVED, lambda _said, by: Solve(by=by))
CONFIRM: Final = Asked(Confirm, facts.CONFIRMED, lambda _said, by: Confirm(by=by))
REOPEN: Final = Asked(Reopen, facts.REOPENED, lambda _said, by: Reopen(by=by))
SUPERVISE: Final = Asked(Supervise, facts.SUPERVISED, _supervise)
CLOSE: Final = Asked(Close, facts.CLOSED, _close, needs_person=True)


@router.post("/reply", summary="回复并承诺解决时限", openapi_extra=documented(ReplyBody))
async def post_reply(
    ticket_id: str, acting: ActingPerson, room: FeedbackRoom, request: Request
) -> Document:
    """被反馈企业回复并承诺解决时限, 最迟为回复后第5个工作日24时; 以首次回复为准."""
    return await shown(room, acting.actor, await act(room, acting, ticket_id, REPLY, request))


@router.post("/solved", summary="告知已解决")
async def post_solved(
    ticket_id: str, acting: ActingPerson, room: FeedbackRoom, request: Request
) -> Document:
    """被反馈企业告知问题已解决, 由医疗机构在3个工作日内确认; 逾期视为确认."""
    return await shown(room, acting.actor, await act(room, acting, ticket_id, SOLVE, request))


@router.post("/confirm", summary="确认已解决")
async def post_confirm(
    ticket_id: str, acting: ActingPerson, room: FeedbackRoom, request: Request
) -> Document:
    """医疗机构确认问题已解决."""
    return await shown(room, acting.actor, await act(room, acting, ticket_id, CONFIRM, request))


@router.post("/reopen", summary="重新打开")
async def post_reopen(
    ticket_id: str, acting: ActingPerson, room: FeedbackRoom, request: Request
) -> Document:
    """医疗机构认为问题未解决, 重新打开工单."""
    return await shown(room, acting.actor, await act(room, acting, ticket_id, REOPEN, request))


@router.post("/supervise", summary="记录督办措施", openapi_extra=documented(MeasureBody))
async def post_supervise(
    ticket_id: str, acting: ActingPerson, room: FeedbackRoom, request: Request
) -> Document:
    """经办医保部门记录约谈、督导等措施; 各时限照常进行."""
    return await shown(room, acting.actor, await act(room, acting, ticket_id, SUPERVISE, request))


@router.post("/close", summary="关闭工单", openapi_extra=documented(ClosingBody))
async def post_close(
    ticket_id: str, acting: ActingPerson, room: FeedbackRoom, request: Request
) -> Document:
    """经办医保部门关闭工单; 须由绑定到个人的密钥发起."""
    return await shown(room, acting.actor, await act(room, acting, ticket_id, CLOSE, request))

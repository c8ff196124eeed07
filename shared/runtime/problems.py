"""Errors for people: one problem document for every fault (RFC 9457), Chinese first (问题文档)."""

from __future__ import annotations

from typing import Any

import msgspec
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from shared.kernel.errors import Problem, Refusal
from shared.runtime.bodies import body_too_large, body_too_slow, no_room_for_bodies
from shared.runtime.logs import trace_id_of

log = structlog.get_logger()

_TITLES: dict[int, tuple[str, str]] = {
    400: ("请求无法读取", "Bad request"),
    401: ("未认证", "Unauthenticated"),
    403: ("无权限", "Forbidden"),
    404: ("未找到", "Not found"),
    405: ("方法不允许", "Method not allowed"),
    408: ("请求超时", "Request timeout"),
    409: ("冲突", "Conflict"),
    410: ("游标已失效", "Gone"),
    413: ("内容过大", "Content too large"),
    415: ("媒体类型不支持", "Unsupported media type"),
    422: ("内容有误", "Unprocessable content"),
    429: ("请求过于频繁", "Too many requests"),
    431: ("请求头过大", "Request header fields too large"),
    500: ("内部错误", "Internal error"),
    503: ("服务暂不可用", "Service unavailable"),
}


_OF_BODIES = {408: body_too_slow, 413: body_too_large, 503: no_room_for_bodies}
"""What reading a body may raise where only an HTTPException passes (see `sent_body`)."""


_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def language_of(request: Request) -> str:
    """`en` when the caller prefers English over Chinese, else `zh`."""
    best, quality = "zh", 0.0
    for part in request.headers.get("accept-language", "").split(","):
        tag, _, rest = part.strip().partition(";")
        try:
            q = float(rest.strip().removeprefix("q=")) if rest else 1.0
        except ValueError:
            q = 0.0
        name = tag[:2].lower()
        if name in ("zh", "en") and q > quality:
            best, quality = name, q
    return best


def refusal_problem(refusal: Refusal) -> Problem:
    """A refusal as 422, saying whether the same may succeed later."""
    return Problem(
        422,
        refusal.code,
        refusal.detail_zh,
        refusal.detail_en,
        errors=[
            {"pointer": refusal.pointer or "", "code": refusal.code, "detail": refusal.detail_zh}
        ],
        extra={"retryable": True} if refusal.retryable else {},
    )


def render(request: Request, problem: Problem) -> Response:
    """The problem as its document."""
    english = language_of(request) == "en"
    title = _TITLES.get(problem.status, ("错误", "Error"))
    document: dict[str, Any] = {
        "type": f"/problems/{problem.code}",
        "title": title[1] if english else title[0],
        "status": problem.status,
        "detail": problem.detail_en if english else problem.detail_zh,
        "code": problem.code,
        "instance": request.url.path,
        "trace_id": trace_id_of(request),
        "errors": problem.errors,
        **problem.extra,
    }
    return Response(
        msgspec.json.encode(document),
        status_code=problem.status,
        media_type="application/problem+json",
        headers={**problem.headers, "Content-Language": "en" if english else "zh-CN"},
    )


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return render(request, error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        problem = Problem(400, "malformed_json", "请求体不是有效的 JSON", "the body is not JSON")
        return render(request, problem)
    errors = [
        {
            "pointer": "".join(f"/{part}" for part in fault["loc"][1:]),
            "code": "malformed",
            "detail": fault["msg"],
        }
        for fault in faults
    ]
    where = "、".join(e["pointer"] for e in errors) or "/"
    problem = Problem(
        422,
        "malformed",
        f"以下内容格式不符: {where}",
        f"these do not have the expected form: {where}",
        errors=errors,
    )
    return render(request, problem)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code in _OF_BODIES:
        return render(request, _OF_BODIES[error.status_code]())
    codes = {404: "not_found", 405: "method_not_allowed"}
    title = _TITLES.get(error.status_code, ("错误", "Error"))
    problem = Problem(
        error.status_code,
        codes.get(error.status_code, f"http_{error.status_code}"),
        title[0],
        str(error.detail) or title[1],
        headers={**(error.headers or {}), **_allowed(request, error.status_code)},
    )
    return render(request, problem)


def _allowed(request: Request, status: int) -> dict[str, str]:
    """All methods of a path: the router names those of the first route alone that has it."""
    if status != 405:
        return {}
    scope, routes = request.scope, request.app.routes
    methods = [
        method
        for method in _METHODS
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in routes)
    ]
    return {"Allow": ", ".join(methods)}


async def _gone(_request: Request, _error: Exception) -> Response:
    """The client went away in the middle of its body: nobody reads the answer, and nothing is wrong."""
    return Response(status_code=400)


async def _bug(request: Request, error: Exception) -> Response:
    """A bug: logged with its trace id, and no word of its insides outside."""
    log.exception("http.failed", path=request.url.path, trace_id=trace_id_of(request))
    return render(
        request,
        Problem(
            500,
            "internal",
            "系统内部错误, 已记录; 请带上 trace_id 联系运维",
            "an internal error, logged; report it with its trace_id",
        ),
    )


def install(app: FastAPI) -> None:
    """Every fault of this app becomes a problem document."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _bug)

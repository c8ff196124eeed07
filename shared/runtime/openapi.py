"""/openapi.json, completed (接口文档): what every endpoint may answer besides what it says itself.

The framework knows of good answers and of its own form of a 422. Ours are problem documents; who may
call, and tables in place of JSON, are said here once for all endpoints.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI

from shared.runtime.actors import HEADER
from shared.runtime.signing import KEY_HEADER

PROBLEM_TYPE: Final = "application/problem+json"
TABLES: Final = (
    "text/csv; charset=utf-8",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)
_OPEN: Final = frozenset({"/livez", "/readyz", "/version"})
_CLOCK: Final = "/sandbox/"

_TEXT: Final = {"type": "string"}
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "RFC 9457",
    "required": [
        "type", "title", "status", "detail", "code", "instance", "trace_id", "errors",
    ],
    "properties": {
        "type": {"type": "string", "pattern": "^/problems/[a-z0-9_]+$"},
        "title": _TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": _TEXT,
        "code": {"type": "string", "pattern": "^[a-z0-9_]+$"},
        "instance": _TEXT,
        "trace_id": _TEXT,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {"pointer": _TEXT, "code": _TEXT, "detail": _TEXT},
            },
        },
    },
}  # fmt: skip

_ALWAYS: Final = {
    401: "未认证",
    403: "无权限",
    404: "不存在, 或无权查看",
    409: "与已登记的内容或所处步骤冲突",
    410: "游标早于一次数据恢复",
    422: "内容或参数有误",
    429: "发送过多; Retry-After 给出等待秒数",
    503: "暂不可用; Retry-After 给出等待秒数",
}
_WITH_BODY: Final = {
    400: "无法读取",
    408: "请求体未按时传完",
    413: "请求体过大",
    415: "媒体类型不支持",
}


def install(app: FastAPI, *, trusts_header: bool) -> None:
    """The document is made once, when it is first asked for."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = completed(plain(), trusts_header=trusts_header)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def completed(document: dict[str, Any], *, trusts_header: bool) -> dict[str, Any]:
    """The framework's document with ours in it."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = _PROBLEM
    signature = {"type": "apiKey", "in": "header", "name": KEY_HEADER}
    schemes = components["securitySchemes"] = {"signature": signature}
    if trusts_header:
        schemes["actor"] = {"type": "apiKey", "in": "header", "name": HEADER}
    for path, method, operation in _operations(document):
        if path in _OPEN or path.startswith(_CLOCK):
            errors = {422: _ALWAYS[422], 503: _ALWAYS[503]}
            if path.startswith(_CLOCK):
                errors |= {409: _ALWAYS[409]}
        else:
            errors = dict(_ALWAYS)
            operation["security"] = [{name: []} for name in reversed(schemes)]
        if method in ("post", "put"):
            errors |= _WITH_BODY
        _answers(operation, errors)
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _answers(operation: dict[str, Any], errors: dict[int, str]) -> None:
    responses = operation["responses"]
    for status, what in errors.items():
        said = responses.get(str(status), {})
        described = said.get("description")
        if described in (None, "Validation Error"):
            described = what
        schema = {"$ref": "#/components/schemas/Problem"}
        responses[str(status)] = {
            "description": described,
            "content": {PROBLEM_TYPE: {"schema": schema}},
        }
    names = {parameter["name"] for parameter in operation.get("parameters", ())}
    if "format" in names:
        for kind in TABLES:
            responses["200"]["content"][kind] = {"schema": {"type": "string", "format": "binary"}}
    operation["responses"] = dict(sorted(responses.items()))

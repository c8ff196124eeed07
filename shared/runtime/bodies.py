"""Bodies of requests: read with a limit, inflated, as JSON that can be stored (请求体)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Request

from shared.kernel.canonical import canonical, decode_json
from shared.kernel.errors import Problem

BODY_BYTES_MAX = 4 * 1024 * 1024


async def read_body(request: Request) -> bytes:
    """The body, inflated; the limit holds before and after."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > BODY_BYTES_MAX:
        raise body_too_large()
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > BODY_BYTES_MAX:
            raise body_too_large()
        chunks.append(chunk)
    body = b"".join(chunks)
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding == "identity":
        return body
    if encoding != "gzip":
        raise Problem(
            415,
            "unsupported_encoding",
            "只支持 gzip 压缩",
            "only gzip is taken as content encoding",
        )
    return inflate(body)


def inflate(body: bytes) -> bytes:
    """Gunzip with the limit: a bomb stops at 4 MiB."""
    inflater = zlib.decompressobj(wbits=31)
    try:
        text = inflater.decompress(body, BODY_BYTES_MAX + 1)
    except zlib.error as error:
        raise Problem(
            400, "malformed_gzip", f"gzip 内容损坏: {error}", f"broken gzip: {error}"
        ) from None
    if len(text) > BODY_BYTES_MAX:
        raise body_too_large()
    if not inflater.eof:
        raise Problem(400, "malformed_gzip", "gzip 内容不完整", "the gzip body is cut off")
    return text


def body_too_large() -> Problem:
    """413: send it in parts (请求体过大)."""
    return Problem(
        413,
        "batch_too_large",
        "请求体超过 4 MiB; 请分批发送",
        "the body is larger than 4 MiB; send it in parts",
    )


def body_too_slow() -> Problem:
    """408: the body did not come in its time (请求超时)."""
    return Problem(
        408,
        "request_timeout",
        "请求体未在规定时间内传完; 请检查网络后用同样的内容重发",
        "the body did not arrive in time; look at the network and send the same again",
    )


def no_room_for_bodies() -> Problem:
    """503: too many bodies at once, whosever they are (接收缓冲已满)."""
    return Problem(
        503,
        "busy",
        "同时到达的内容过多, 请稍后用同样的内容重发; 已登记的不会重复",
        "too much arrives at once; send the same again later, nothing is recorded twice",
        headers={"Retry-After": "1"},
    )


async def json_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object that can be kept and hashed; 400 if it is no JSON, else 422."""
    body = await read_body(request)
    try:
        value = decode_json(body)
    except (ValueError, msgspec.DecodeError) as error:
        raise Problem(
            400,
            "malformed_json",
            f"请求体不是有效的 JSON: {error}",
            f"the body is not JSON: {error}",
        ) from None
    if not isinstance(value, dict):
        raise _malformed("请求体应为 JSON 对象", "the body is a JSON object", "expected an object")
    try:
        canonical(value)
    except ValueError as error:
        raise _malformed(
            f"内容无法规范化: {error}", f"cannot be written canonically: {error}", str(error)
        ) from None
    if b"\\u0000" in body and (place := next(_nuls(value), None)) is not None:
        raise _malformed(
            f"{place}: 含有 NUL 字符", f"{place}: a NUL character", "a NUL character", place
        )
    return value


def _nuls(value: Any, at: str = "") -> Iterator[str]:
    """The JSON pointers of the texts with a NUL: no database takes one."""
    if isinstance(value, str):
        if "\0" in value:
            yield at
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from _nuls(name, at)
            yield from _nuls(member, f"{at}/{name.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _nuls(item, f"{at}/{index}")


def _malformed(zh: str, en: str, detail: str, pointer: str = "") -> Problem:
    """422: it is JSON, but nothing that we could keep (格式错误)."""
    errors = [{"pointer": pointer, "code": "malformed", "detail": detail}]
    return Problem(422, "malformed", zh, en, errors=errors)


JsonObject = Annotated[dict[str, Any], Depends(json_object)]


def refuse_nul(request: Request) -> None:
    """422 for a NUL in path or query: no database takes one."""
    wrong = [name for name, value in request.query_params.multi_items() if "\0" in name + value]
    if "\0" in request.scope["path"] or wrong:
        raise Problem(
            422,
            "malformed",
            "地址或参数含有 NUL 字符",
            "the path or a parameter has a NUL character",
            errors=[
                {"pointer": f"/{name}", "code": "malformed", "detail": "a NUL character"}
                for name in wrong
            ],
        )

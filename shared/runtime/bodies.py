"""Bodies of requests: read with a limit, inflated, as JSON that can be stored (请求体)."""

from __future__ import annotations

import zlib
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


async def json_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object without what no database can hold; 400 or 422 otherwise."""
    body = await read_body(request)
    try:
        value = decode_json(body)
        canonical(value)
    except (ValueError, msgspec.DecodeError) as error:
        raise Problem(
            400,
            "malformed_json",
            f"请求体不是有效的 JSON: {error}",
            f"the body is not JSON: {error}",
        ) from None
    if not isinstance(value, dict) or b"\\u0000" in body:
        raise Problem(
            422,
            "malformed",
            "请求体应为 JSON 对象, 且不含 NUL 字符",
            "the body is a JSON object without NUL characters",
            errors=[{"pointer": "", "code": "malformed", "detail": "expected an object"}],
        )
    return value


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

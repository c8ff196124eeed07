"""One item of a request as an event (事件读取): envelope, data, hash. Bad ones are refused alone."""

from __future__ import annotations

import re

import msgspec

from services.orders.api.parsing import parse
from services.orders.api.wire import SHAPES, Envelope, decode_data
from shared.kernel.canonical import decode_json, fact_sha256
from shared.kernel.clock import parse_instant
from shared.kernel.decider import Sent
from shared.kernel.errors import Refusal, malformed
from shared.runtime.actors import Actor
from shared.runtime.logs import is_traceparent

EVENT_BYTES_MAX = 256 * 1024
ID_MAX = 256

_decode_envelope = msgspec.json.Decoder(Envelope).decode
_WHERE = re.compile(r" - at `(.*)`$")
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")


class BadItem(Exception):
    """A refused item with whatever id could be read."""

    def __init__(self, event_id: str | None, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.event_id = event_id
        self.refusal = refusal


def read_event(raw: bytes, actor: Actor) -> Sent:
    """The event in these bytes as its sender meant it; BadItem with a malformed refusal otherwise."""
    if len(raw) > EVENT_BYTES_MAX:
        raise BadItem(
            _id_of(raw),
            malformed("单个事件超过 256 KiB", "one event is at most 256 KiB"),
        )
    try:
        return _read(raw, actor)
    except Refusal as refusal:
        raise BadItem(_id_of(raw), refusal) from None
    except msgspec.ValidationError as error:
        raise BadItem(_id_of(raw), shape_refusal(error, "")) from None
    except (ValueError, RecursionError, msgspec.DecodeError) as error:
        raise BadItem(
            _id_of(raw), malformed(f"无法读取: {error}", f"cannot be read: {error}")
        ) from None


def _read(raw: bytes, actor: Actor) -> Sent:
    if b"\\u0000" in raw and _NUL.search(raw):
        raise malformed("含有 NUL 字符", "contains a NUL character")
    envelope = _decode_envelope(raw)
    if not 0 < len(envelope.id) <= ID_MAX:
        raise malformed("id 长度应为 1 至 256", "id has 1 to 256 characters", "/id")
    if not 0 < len(envelope.source) <= ID_MAX:
        raise malformed("source 长度应为 1 至 256", "source has 1 to 256 characters", "/source")
    if envelope.type not in SHAPES:
        raise malformed(f"未知的事件类型 {envelope.type}", "unknown event type", "/type")
    if envelope.datacontenttype not in (None, "application/json"):
        raise malformed("data 应为 JSON", "data must be JSON", "/datacontenttype")
    try:
        time = parse_instant(envelope.time)
    except ValueError:
        raise malformed(
            "time 应为 RFC 3339 或 yyyy-MM-dd HH:mm:ss",
            "time is RFC 3339 or yyyy-MM-dd HH:mm:ss",
            "/time",
        ) from None
    data = bytes(envelope.data)
    try:
        shape = decode_data(envelope.type, data)
    except msgspec.ValidationError as error:
        raise shape_refusal(error, "/data") from None
    command = parse(shape)
    return Sent(
        stream=f"order-{command.order_id}",
        source=envelope.source,
        event_id=envelope.id,
        type=envelope.type,
        occurred_at=time,
        sha256=fact_sha256(
            source=envelope.source,
            id=envelope.id,
            type=envelope.type,
            time=time,
            subject=envelope.subject,
            data=decode_json(data),
        ),
        payload=raw,
        command=command,
        role=actor.role,
        organisation=actor.organisation,
        traceparent=_trace(envelope.traceparent),
    )


def _trace(text: str | None) -> str | None:
    """The sender's own trace of this event, if it is one; else the request's stands for it."""
    return text if text is not None and is_traceparent(text) else None


def shape_refusal(error: msgspec.ValidationError, prefix: str) -> Refusal:
    """msgspec's `$.lines[0].quantity` as a JSON pointer."""
    text = str(error)
    found = _WHERE.search(text)
    path = found.group(1) if found else "$"
    steps = [name or index for name, index in _STEP.findall(path)]
    what = text[: found.start()] if found else text
    missing = re.search(r"missing required field `(\w+)`", what)
    if missing:
        steps.append(missing.group(1))
        zh = f"缺少 {missing.group(1)}"
    else:
        zh = f"格式不符: {what}"
    pointer = "".join(f"/{step}" for step in steps)
    return malformed(zh, what, prefix + pointer or None)


def _id_of(raw: bytes) -> str | None:
    """The id of an item that is refused, if it has one at all."""
    try:
        item = decode_json(raw[: EVENT_BYTES_MAX * 4])
    except ValueError:
        return None
    event_id = item.get("id") if isinstance(item, dict) else None
    return event_id if isinstance(event_id, str) else None

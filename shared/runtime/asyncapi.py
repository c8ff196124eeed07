"""What travels on the bus, as AsyncAPI 3.0: made from the catalogue of facts (异步接口定义)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from shared.bus.wire import PARTITIONS
from shared.events.catalogue import CHANNELS, SCHEMAS, Channel, schemas, sent_by
from shared.events.topics import BEARS_MARKS, COMPACTED, MARK_TYPE, dead_letters
from shared.runtime.service import Service

Json = dict[str, Any]

_TOMBSTONE: Final = "tombstone"
_HEADERS: Final = "CloudEventHeaders"
_BINDING: Final = "0.5.0"

_TEXT: Final = {"type": "string"}
_INSTANT: Final = {"type": "string", "format": "date-time"}

HEADERS: Final[Json] = {
    "title": _HEADERS,
    "description": "CloudEvents 1.0 in binary mode: the envelope stands in headers, all of them text.",
    "type": "object",
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": _TEXT | {"description": "With ce_source the identity of the fact."},
        "ce_source": _TEXT | {"description": "urn:jicai:<organisation id>, or urn:jicai:platform."},
        "ce_type": _TEXT,
        "ce_time": _INSTANT | {"description": "occurred_at, the sender's claim."},
        "ce_subject": _TEXT | {"description": "The stream, as in the key."},
        "ce_streamversion": _TEXT
        | {"pattern": "^[0-9]+$", "description": "The fact's version in its stream."},
        "ce_recordedtime": _INSTANT | {"description": "recorded_at, when we stored it."},
        "ce_log": _TEXT | {"description": "The log that says it: orders, alerts, feedback..."},
        "ce_logposition": _TEXT
        | {"pattern": "^[0-9]+:[0-9]+:[0-9]+$", "description": "Its place there, for our own readers."},
        "content-type": {"const": "application/json"},
        "traceparent": _TEXT | {"description": "W3C trace context, where there is one."},
        "jicai_reason": _TEXT | {"description": "Why it was parked; on dead-letter topics only."},
        "jicai_partition": _TEXT | {"description": "Where it was read; dead-letter topics only."},
    },
    "required": [
        "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_subject",
        "ce_streamversion", "ce_recordedtime", "content-type",
    ],
}  # fmt: skip

_MARK: Final[Json] = {
    "name": MARK_TYPE,
    "title": MARK_TYPE,
    "summary": "A closing instant has passed in this log (闭账标记).",
    "description": "Stands once in every partition of the log's topics. Readers may pass it over.",
    "payload": {"type": "object", "properties": {"at": _INSTANT}, "required": ["at"]},
}
_TOMBSTONE_MESSAGE: Final[Json] = {
    "name": _TOMBSTONE,
    "title": "tombstone",
    "summary": "The key no longer stands: a record without a value (墓碑).",
    "payload": {"type": "null"},
}


def document(services: Sequence[Service], version: str) -> Json:
    """The channels that these services write and read, with every message on them."""
    wanted = {topic for service in services for topic in (*sent_by(service.name), *service.topics)}
    shown = [channel for channel in CHANNELS if channel.topic in wanted]
    payloads, components = schemas(shown)
    channels = {channel.topic: _channel(channel) for channel in shown}
    for service in services:
        for topic in service.topics:
            dead = dead_letters(topic, service.name)
            channels[dead] = _dead_letters(dead, topic, service.name, channels[topic])
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Jicai 集采",
            "version": version,
            "description": "药品和医用耗材集中带量采购执行平台: 对外发布的事实 / the facts that the platform publishes. "
            "Order is kept per key within a topic; delivery is at least once, by ce_source and ce_id.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "{broker}",
                "protocol": "kafka",
                "description": "Kafka, in plain text, over TLS or with SASL, as the operator has it.",
                "variables": {"broker": {"default": "localhost:9092", "description": "host:port"}},
            }
        },
        "channels": channels,
        "operations": _operations(services),
        "components": {
            "schemas": components | {_HEADERS: HEADERS},
            "messages": _messages(shown, payloads),
        },
    }


def _channel(channel: Channel) -> Json:
    compacted = channel.topic in COMPACTED
    names = list(channel.facts)
    if any(channel.topic in sent_by(service) for service in BEARS_MARKS):
        names.append(MARK_TYPE)
    if compacted:
        names.append(_TOMBSTONE)
    kept = "the last record of each key" if compacted else "for a time"
    return {
        "address": channel.topic,
        "title": channel.title,
        "summary": channel.summary,
        "description": f"Key: `{channel.key}`. Kept: {kept}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": _kafka(channel.topic, "compact" if compacted else "delete"),
    }


def _dead_letters(dead: str, topic: str, group: str, channel: Json) -> Json:
    """Parked facts as they were read, with `jicai_reason` beside their headers (死信)."""
    return {
        "address": dead,
        "title": "死信",
        "summary": f"What {group} could not take of {topic}, with the reason in `jicai_reason`.",
        "messages": {
            name: message
            for name, message in channel["messages"].items()
            if name not in (MARK_TYPE, _TOMBSTONE)
        },
        "bindings": _kafka(dead, "delete"),
    }


def _kafka(topic: str, cleanup: str) -> Json:
    return {
        "kafka": {
            "topic": topic,
            "partitions": PARTITIONS,
            "topicConfiguration": {"cleanup.policy": [cleanup]},
            "bindingVersion": _BINDING,
        }
    }


def _messages(channels: Iterable[Channel], payloads: dict[str, dict[str, Json]]) -> Json:
    """Every type once, however many topics carry it; the docstring of its fact describes it."""
    found: Json = {
        MARK_TYPE: _MARK | _on_the_wire(MARK_TYPE, "<mark>-<log>"),
        _TOMBSTONE: _TOMBSTONE_MESSAGE | _on_the_wire(None, "<key>"),
    }
    for channel in channels:
        for type_, fact in channel.facts.items():
            first, _, rest = (fact.__doc__ or type_).partition("\n")
            found[type_] = {
                "name": type_,
                "title": type_,
                "summary": first,
                **({"description": " ".join(rest.split())} if rest.strip() else {}),
                "payload": payloads[channel.topic][type_],
                **_on_the_wire(type_, channel.key),
            }
    return found


def _on_the_wire(type_: str | None, key: str) -> Json:
    headers: Json = {"$ref": SCHEMAS + _HEADERS}
    if type_ is not None:
        headers = {"allOf": [headers, {"properties": {"ce_type": {"const": type_}}}]}
    return {
        "contentType": "application/json",
        "headers": headers,
        "bindings": {
            "kafka": {"key": _TEXT | {"description": key}, "bindingVersion": _BINDING},
        },
    }


def _operations(services: Iterable[Service]) -> Json:
    """Who writes and who reads each channel; a group writes its own dead letters."""
    found: Json = {}
    for service in services:
        dead = [dead_letters(topic, service.name) for topic in service.topics]
        for action, topics in (
            ("send", (*sent_by(service.name), *dead)),
            ("receive", service.topics),
        ):
            for topic in topics:
                found[f"{service.name}.{action}.{topic}"] = {
                    "action": action,
                    "channel": {"$ref": f"#/channels/{topic}"},
                    "tags": [{"name": service.name}],
                }
    return found

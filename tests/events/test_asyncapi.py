"""/asyncapi.json says what travels on the bus: made from the code, and true of the facts themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import jsonschema_rs
import pytest

from jicai.rooms import SERVICES, chosen
from shared.bus.wire import PARTITIONS, headers_of
from shared.events import topics
from shared.events.catalogue import CHANNELS
from shared.events.envelope import Record
from shared.runtime.asyncapi import document
from shared.runtime.calendars import CalendarHolder
from shared.runtime.room import Room
from shared.runtime.time import ManualTime
from shared.runtime.web import create_app
from shared.store.policy_files import shipped_policy
from tests.events.story import Told, facts_of_orders, other_facts

Json = dict[str, Any]

CONTRACT = {
    "jicai.orders.v1",
    "jicai.deliveries.v1",
    "jicai.feedback.v1",
    "jicai.alerts.v1",
    "jicai.alerts.open.v1",
    "jicai.settlement.v1",
    "jicai.reference.v1",
}
"""Section 5, copied by hand."""

OBJECTS = {
    "": {
        "asyncapi", "info", "servers", "defaultContentType", "channels", "operations", "components"
    },
    "server": {"host", "protocol", "description", "variables"},
    "channel": {"address", "title", "summary", "description", "messages", "bindings"},
    "operation": {"action", "channel", "tags"},
    "message": {
        "name", "title", "summary", "description", "contentType", "headers", "payload", "bindings"
    },
}  # fmt: skip
"""The fields that AsyncAPI 3.0 knows, as far as we use them."""


@pytest.fixture(scope="module")
def whole() -> Json:
    """The document of a process that serves all, through its JSON."""
    return _document("all")


def _document(name: str) -> Json:
    found: Json = json.loads(json.dumps(document(chosen(name), "0.1.0")))
    return found


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for one in value.values():
            yield from _references(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)


def _at(whole: Json, reference: str) -> Any:
    found: Any = whole
    for step in reference.removeprefix("#/").split("/"):
        found = found[step.replace("~1", "/").replace("~0", "~")]
    return found


def _validator(whole: Json, schema: Json) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(
        {"components": whole["components"], "allOf": [schema]}, validate_formats=True
    )


@pytest.mark.parametrize("name", [*SERVICES, "all"])
def test_the_document_has_the_shape_of_asyncapi_3(name: str) -> None:
    """Only fields that the standard knows, every reference resolves, every message is a channel's."""
    whole = _document(name)
    assert whole["asyncapi"] == "3.0.0"
    assert whole.keys() == OBJECTS[""]
    assert {"title", "version"} <= whole["info"].keys()
    for kind, objects in (
        ("server", whole["servers"]),
        ("channel", whole["channels"]),
        ("operation", whole["operations"]),
        ("message", whole["components"]["messages"]),
    ):
        assert objects
        for one in objects.values():
            assert one.keys() <= OBJECTS[kind], one
    references = set(_references(whole))
    for reference in references:
        assert _at(whole, reference) is not None
    for operation in whole["operations"].values():
        assert operation["action"] in ("send", "receive")
        assert operation["channel"]["$ref"].startswith("#/channels/")
    for channel in whole["channels"].values():
        for message in channel["messages"].values():
            assert message["$ref"].startswith("#/components/messages/")


def test_a_process_that_serves_all_shows_every_topic_of_the_contract(whole: Json) -> None:
    """Section 5, with its partitions, its keys and what is kept."""
    alive = {name for name in whole["channels"] if ".dead." not in name}
    assert alive == CONTRACT == set(topics.ALL)
    for name in alive:
        channel = whole["channels"][name]
        kafka = channel["bindings"]["kafka"]
        compacted = name in ("jicai.alerts.open.v1", "jicai.reference.v1")
        assert channel["address"] == kafka["topic"] == name
        assert kafka["partitions"] == PARTITIONS
        assert kafka["topicConfiguration"]["cleanup.policy"] == [
            "compact" if compacted else "delete"
        ]
        assert ("tombstone" in channel["messages"]) == compacted


def test_every_type_of_the_catalogue_is_a_message_with_its_description(whole: Json) -> None:
    """What is registered is shown, without anybody listing it again."""
    messages = whole["components"]["messages"]
    for channel in CHANNELS:
        shown = whole["channels"][channel.topic]["messages"]
        assert shown.keys() >= channel.facts.keys()
        for type_, fact in channel.facts.items():
            assert fact.__doc__
            assert fact.__doc__.startswith(messages[type_]["summary"])


def test_a_process_shows_what_it_sends_and_what_it_receives_and_nothing_else() -> None:
    """Alerts write alerts, read orders, deliveries and registers, and park what they cannot take."""
    operations = _document("alerts")["operations"]
    sent = {"jicai.alerts.v1", "jicai.alerts.open.v1"}
    read = {x.partition(".receive.")[2] for x in operations if ".receive." in x}
    assert read == set(chosen("alerts")[0].topics) >= {"jicai.orders.v1", "jicai.deliveries.v1"}
    parked = {f"{topic}.dead.alerts" for topic in read}
    assert {x.partition(".send.")[2] for x in operations if ".send." in x} == sent | parked
    assert _document("alerts")["channels"].keys() == sent | read | parked
    assert "jicai.settlement.v1" not in _document("orders")["channels"]


@pytest.mark.parametrize("told", [*facts_of_orders(), *other_facts()], ids=lambda told: told.type)
def test_every_fact_is_as_its_schema_says(whole: Json, told: Told) -> None:
    """Facts out of the real rules against the published schema; one member less is noticed."""
    message = whole["components"]["messages"][told.type]
    validator = _validator(whole, message["payload"])
    validator.validate(told.value)
    required = _at(whole, message["payload"]["$ref"])["required"]
    for member in required:
        poorer = {name: one for name, one in told.value.items() if name != member}
        assert not validator.is_valid(poorer), member


def test_the_schema_notices_a_number_where_a_decimal_string_belongs(whole: Json) -> None:
    """Formats are not only words."""
    told = facts_of_orders()[0]
    validator = _validator(whole, whole["components"]["messages"][told.type]["payload"])
    for wrong in (100, 12.5, "12,5", "1e3", ""):
        value = told.value
        value["lines"][0]["quantity"] = wrong
        assert not validator.is_valid(value)
    assert not validator.is_valid({**told.value, "at": "yesterday"})


def test_the_headers_of_a_record_are_as_their_schema_says(whole: Json) -> None:
    """What the relay writes, against what every message promises."""
    told = facts_of_orders()[0]
    at = datetime(2026, 3, 2, 4, tzinfo=UTC)
    record = Record(
        topic=topics.ORDERS,
        stream="order-1",
        version=1,
        source="urn:jicai:H36010200001",
        event_id="e1",
        type=told.type,
        occurred_at=at,
        recorded_at=at,
        fact=told.fact,
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    )
    headers = {name: value.decode() for name, value in headers_of(record, "orders")}
    schema = whole["components"]["messages"][told.type]["headers"]
    validator = _validator(whole, schema)
    validator.validate(headers)
    known = whole["components"]["schemas"]["CloudEventHeaders"]["properties"].keys()
    assert headers.keys() <= known
    assert not validator.is_valid({**headers, "ce_type": "jicai.order.cancelled.v1"})
    assert not validator.is_valid({k: v for k, v in headers.items() if k != "ce_id"})


async def test_the_document_is_served_without_a_caller() -> None:
    """The rooms of this process, and no others."""
    now = ManualTime(datetime(2026, 3, 2, tzinfo=UTC))
    nothing: Any = None
    rooms = {
        service.name: Room(service, nothing, now, shipped_policy(), CalendarHolder())
        for service in chosen("settlement")
    }

    async def ready() -> dict[str, str]:
        return {}

    app = create_app(rooms, trust_actor_header=False, readiness=ready)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://here") as client:
        answer = await client.get("/asyncapi.json")
    assert answer.status_code == 200
    assert answer.json() == json.loads(
        json.dumps(document(chosen("settlement"), answer.json()["info"]["version"]))
    )

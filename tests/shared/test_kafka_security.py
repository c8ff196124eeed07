"""Kafka over SASL and TLS, by the settings alone, against a broker that lets nobody else in."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
from aiokafka.errors import KafkaConnectionError

from jicai.rooms import chosen
from jicai.topics import address_of, run_apply
from shared.bus.address import KafkaAddress
from shared.bus.kafka import KafkaBus
from shared.bus.wire import Message
from shared.events.topics import ALL, ORDERS
from shared.runtime.house import House, topics_of
from shared.runtime.settings import Settings
from shared.runtime.time import DatabaseTime
from shared.store.policy_files import shipped_policy
from shared.testing.broker import BrokerMissing
from shared.testing.bus_conformance import each_stream_of_a_topic_comes_in_order_and_complete
from tests.shared.guarded_broker import PLAIN, SCRAM, USER, GuardedBroker, guarded_broker
from tests.shared.kafka_case import KafkaCase
from tests.shared.operator_settings import kafka_settings


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedBroker]:
    """In the place of everybody's: who comes in is set when a broker starts."""
    try:
        with guarded_broker(tmp_path_factory.mktemp("certificates")) as found:
            yield found
    except BrokerMissing as missing:
        why = f"{missing}; guarded doors need Java 17 and Maven"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)


def doors(broker: GuardedBroker) -> Mapping[str, Mapping[str, str]]:
    """The settings that open each door, as an operator writes them."""
    by_name = {
        "BOOTSTRAP": broker.password_door,
        "SECURITY_PROTOCOL": "SASL_SSL",
        "USERNAME": USER,
        "CA_FILE": broker.ca,
    }
    return {
        "plain": by_name | {"SASL_MECHANISM": "PLAIN", "PASSWORD": PLAIN},
        "scram": by_name | {"PASSWORD": SCRAM},
        "certificate": {
            "BOOTSTRAP": broker.certificate_door,
            "SECURITY_PROTOCOL": "SSL",
            "CA_FILE": broker.ca,
            "CERT_FILE": broker.cert,
            "KEY_FILE": broker.key,
        },
    }


def found_address(settings: Settings) -> KafkaAddress:
    address = address_of(settings)
    assert address is not None
    return address


async def readiness(database: str, address: KafkaAddress) -> dict[str, str]:
    """What /readyz shows of a service over this broker; a busy machine may need a second look."""
    house = House(database, [], DatabaseTime(), shipped_policy(), kafka=address)
    for _ in range(4):
        wrong = await house.readiness()
        if "TimeoutError" not in str(wrong):
            break
    return wrong


@pytest.mark.parametrize("door", ["plain", "scram", "certificate"])
async def test_facts_travel_through_relay_and_group_over_a_guarded_door(
    door: str, broker: GuardedBroker, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"t{secrets.token_hex(4)}."
    address = replace(
        found_address(kafka_settings(monkeypatch, doors(broker)[door])),
        topic_prefix=name, group_prefix=name, partitions=3, session_timeout_ms=6000,
    )  # fmt: skip
    made = await KafkaBus(address).apply_topics(ALL)
    assert len(made) == len(ALL)
    assert await readiness(database, address) == {}
    async with KafkaCase.over(database, address) as case:
        await each_stream_of_a_topic_comes_in_order_and_complete(case)


async def test_the_command_makes_the_topics_over_a_guarded_door(
    broker: GuardedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = kafka_settings(monkeypatch, doors(broker)["scram"])
    made = await asyncio.to_thread(run_apply, settings, replication=1, retention_days=1)
    wanted = topics_of(chosen("all"))
    assert sorted(made) == sorted(wanted)
    assert await KafkaBus(found_address(settings)).missing(wanted) == []


NO_FILES = {"CA_FILE": "", "CERT_FILE": "", "KEY_FILE": ""}

REFUSALS = {
    "a wrong password": (
        "plain", {"PASSWORD": "guessed"}, "Invalid username or password",
    ),
    "a wrong password behind a salt": (
        "scram", {"PASSWORD": "guessed"}, "invalid credentials with SASL mechanism SCRAM-SHA-512",
    ),
    "a mechanism that it does not speak": (
        "scram", {"SASL_MECHANISM": "SCRAM-SHA-256"}, "UnsupportedSaslMechanism",
    ),
    "an unknown authority": (
        "plain", {"CA_FILE": "{unknown_ca}"}, "certificate verify failed",
    ),
    "only the machine's authorities": (
        "plain", {"CA_FILE": ""}, "certificate verify failed",
    ),
    "another host's certificate": (
        "plain", {"BOOTSTRAP": "{localhost}"}, "certificate is not valid for 'localhost'",
    ),
    "no client certificate": (
        "certificate", {**NO_FILES, "CA_FILE": "{ca}"}, "alert bad certificate",
    ),
    "a client certificate of a stranger": (
        "certificate", {"CERT_FILE": "{foreign_cert}", "KEY_FILE": "{foreign_key}"},
        "alert certificate unknown",
    ),
    "TLS at a door that has none": (
        "certificate", {"BOOTSTRAP": "{open_door}"}, "another security protocol",
    ),
    "no TLS at a door that has it": (
        "certificate", {"SECURITY_PROTOCOL": "PLAINTEXT", **NO_FILES}, "another security protocol",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS)
async def test_who_is_not_let_in_hears_why_and_soon(
    case: str, broker: GuardedBroker, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator reads it at /readyz; what would publish or hear raises and does not wait."""
    door, changed, words = REFUSALS[case]
    localhost = broker.password_door.replace("127.0.0.1", "localhost")
    written = {n: v.format(**vars(broker), localhost=localhost) for n, v in changed.items()}
    address = found_address(kafka_settings(monkeypatch, {**doors(broker)[door], **written}))

    wrong = await readiness(database, address)
    assert list(wrong) == ["kafka"]
    said = wrong["kafka"].removeprefix("消息代理不可用 / the broker does not answer: ")
    assert address.bootstrap in said
    assert words in said

    bus = KafkaBus(address)
    publisher, subscription = bus.publisher(), bus.subscribe("alerts", [ORDERS])
    async with asyncio.timeout(20):
        with pytest.raises(KafkaConnectionError):
            await publisher.publish([Message(ORDERS, 0, b"order-1", b"{}", [])])
        with pytest.raises(KafkaConnectionError):
            await subscription.partitions()
        await publisher.close()
        await subscription.close()

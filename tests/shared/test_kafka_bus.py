"""The real broker under the port: the conformance suite of the log bus, unchanged."""

from __future__ import annotations

from typing import Any

import pytest

from shared.testing.broker import Broker
from shared.testing.bus_conformance import TRUTHS
from tests.shared.kafka_case import KafkaCase, own_topics

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("truth", TRUTHS, ids=lambda truth: truth.__name__)
async def test_kafka(database: str, broker: Broker, truth: Any) -> None:
    async with own_topics(broker.bootstrap) as address, KafkaCase.over(database, address) as case:
        await truth(case)

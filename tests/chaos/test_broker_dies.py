"""The broker is killed, and put to sleep, while facts come in: nothing is lost or turned round."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.testing.broker import Broker
from tests.chaos.counting import by_hand, counted, reaches
from tests.chaos.installation import Server, installed, own_broker, sleep_past
from tests.chaos.killing import wait_until
from tests.chaos.sending import Sender, sending
from tests.chaos.topics_read import assert_in_key_order, everything_on, first_sightings

pytestmark = pytest.mark.kafka

ORDERS = ("jicai.orders.v1", "jicai.deliveries.v1")
SLEEP = 6.0


@pytest.mark.timeout(300)
async def test_the_relay_catches_up_and_nothing_is_lost(database: str, tmp_path: Path) -> None:
    """POSTs go on being accepted while the broker is away; readiness names it, and recovers."""
    with own_broker() as broker, installed(database, broker.bootstrap, tmp_path) as house:
        orders, alerts = house.serve("orders"), house.serve("alerts")
        with sending(orders, pause=0.05) as sender:
            wait_until(lambda: counted(alerts)["response"][1] > 20, pause=0.1)
            for go_away, come_back in _absences(broker):
                go_away()
                _goes_on_without(orders, alerts, sender)
                come_back()
                _recovers(orders, alerts)
        expected = by_hand(sender)
        reaches(alerts, expected)
        seen = await everything_on(broker.bootstrap, ORDERS)
        assert_in_key_order(seen)
        published = [one.identity for one in first_sightings(seen)]
        sent = {(event["source"], event["id"]) for event in sender.accepted}
        assert len(sent) == len(sender.accepted) > 1000
        assert set(published) == sent
        assert len(published) == len(sent), "a fact on two topics"


def _absences(broker: Broker) -> list[tuple[Callable[[], None], Callable[[], None]]]:
    return [
        (broker.kill, broker.start),
        (broker.stop, broker.resume),
        (broker.kill, broker.start),
    ]


def _goes_on_without(orders: Server, alerts: Server, sender: Sender) -> None:
    """For some seconds facts are taken as before, and both services say what is missing."""
    before, began = len(sender.accepted), time.monotonic()
    for server in (orders, alerts):
        status, wrong = server.readiness()
        assert status == 503
        assert "kafka" in wrong, wrong
    sleep_past(max(0.0, SLEEP - (time.monotonic() - began)))
    assert len(sender.accepted) > before + 50


def _recovers(orders: Server, alerts: Server) -> None:
    """A send that met the outage may wait for the client's own time-out, forty seconds, unseen."""
    for server in (orders, alerts):
        wait_until(lambda server=server: server.readiness() == (200, {}), 60, pause=0.1)

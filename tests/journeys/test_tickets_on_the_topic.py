"""A program that knows only the contract reads jicai.feedback.v1: every hop, in order, under its key."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import pytest
import pytest_asyncio

from shared.testing import sandbox as sandboxes
from shared.testing.broker import Broker
from tests.journeys.climbing import CASES, Climb, climb
from tests.journeys.goods import HOSPITAL, D, H, Json
from tests.journeys.market import Market
from tests.journeys.reader import Heard, Reader, partition_of
from tests.journeys.ticketing import Tickets, instant

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

TOPIC = "jicai.feedback.v1"
PROMISED = "2026-10-08T17:00:00+08:00"


@dataclass
class Read:
    """What was done, what /feedback/v1/changes says of it, and what stands on the topic."""

    seen: Climb
    prominent: str
    confirmed: str
    facts: list[Json]
    heard: list[Heard]

    def first_sightings(self) -> list[Heard]:
        """Each fact where it appears first: delivery is at least once."""
        known, first = set(), []
        for one in self.heard:
            if one.identity not in known:
                known.add(one.identity)
                first.append(one)
        return first

    def of(self, ticket_id: str) -> list[Heard]:
        return [one for one in self.first_sightings() if one.key == f"ticket-{ticket_id}"]


@pytest_asyncio.fixture(scope="module")
async def read(broker: Broker) -> Read:
    """Two tickets climb over the National Day; one is prominent, one is solved and confirmed."""
    case = CASES[1]
    reader = Reader(broker.bootstrap)
    await reader.begin_here()
    with (
        sandboxes.sandboxes_over(broker.bootstrap),
        sandboxes.running_sandbox(now=case.opened) as sandbox,
    ):
        tickets = Tickets(Market(sandbox))
        prominent = tickets.open("prominent", prominent=True)
        confirmed = tickets.open("confirmed")
        tickets.reply(confirmed, PROMISED)
        tickets.solved(confirmed)
        tickets.act(HOSPITAL, confirmed, "confirm")
        seen = climb(case, tickets)
        sandbox.settle()
        every = (prominent, confirmed, seen.measured, seen.left_alone)
        heard = [one for one in await reader.hear_all() if one.topic == TOPIC]
        tickets_heard = [one for one in heard if one.key.startswith("ticket-")]
        return Read(seen, prominent, confirmed, tickets.facts(*every), tickets_heard)


def test_every_fact_of_a_ticket_stands_there_once_under_its_own_key(read: Read) -> None:
    identities = sorted((fact["source"], fact["id"]) for fact in read.facts)
    assert len(set(identities)) == len(identities) == 4 + 6 + 6 + 10
    assert sorted(one.identity for one in read.first_sightings()) == identities
    keys = {(f["source"], f["id"]): f"ticket-{f['data']['ticket_id']}" for f in read.facts}
    for one in read.first_sightings():
        assert one.key == keys[one.identity]
        assert one.partition == partition_of(one.key)


def test_the_versions_of_a_key_rise_one_by_one(read: Read) -> None:
    versions = defaultdict(list)
    for one in read.first_sightings():
        versions[one.key].append(int(one.headers["ce_streamversion"]))
    assert sorted(map(len, versions.values())) == [4, 6, 6, 10]
    for found in versions.values():
        assert found == list(range(1, len(found) + 1))


def test_the_hops_are_read_in_the_order_and_at_the_instants_of_the_history(read: Read) -> None:
    told = read.of(read.seen.left_alone)
    history = read.seen.history()
    assert [one.headers["ce_type"] for one in told] == [f"jicai.ticket.{h[0]}.v1" for h in history]
    for name in ("ce_time", "ce_recordedtime"):
        assert [instant(one.headers[name]) for one in told] == [at for _, at, *_ in history]
    hops = [(one.data.get("from"), one.data.get("to"), one.data.get("bureau")) for one in told]
    assert hops[2:5] == [
        (None, None, "360102"),
        ("county", "city", "360100"),
        ("city", "province", "360000"),
    ]


def test_each_record_carries_what_its_reader_needs(read: Read) -> None:
    """Whose ticket on what, for a reader who has not seen the opening; and every deadline's days."""
    for one in read.first_sightings():
        assert {"ticket_id", "hospital_id", "product_id", "addressees", "by"} <= set(one.data)
    opened, _, began, *_ = read.of(read.seen.left_alone)
    [reply_due] = opened.data["deadlines"]
    assert [day["reason"] for day in reply_due["days"]] == ["国庆节"] * 7 + ["workday"] * 2
    [level_due] = began.data["deadlines"]
    assert level_due["days"][0] == {
        "date": "2026-10-10", "counted": True, "reason": "make-up workday",
    }  # fmt: skip


def test_a_prominent_ticket_shows_each_hop_at_its_opening(read: Read) -> None:
    told = read.of(read.prominent)
    opened = instant(read.seen.case.opened)
    assert [
        (one.headers["ce_type"].split(".")[2], one.data.get("to") or one.data.get("level"))
        for one in told
        if instant(one.headers["ce_recordedtime"]) == opened
    ] == [
        ("opened", None),
        ("supervision_began", "county"),
        ("escalated", "city"),
        ("escalated", "province"),
    ]
    later = [one.headers["ce_type"].split(".")[2] for one in told[4:]]
    assert later == ["reply_overdue", "province_overdue"]


def test_what_people_do_stands_there_as_their_own(read: Read) -> None:
    told = read.of(read.confirmed)
    hospital, addressee = f"urn:jicai:{H}", f"urn:jicai:{D}"
    assert [(one.headers["ce_type"].split(".")[2], one.headers["ce_source"]) for one in told] == [
        ("opened", hospital),
        ("replied", addressee),
        ("solved", addressee),
        ("confirmed", hospital),
    ]
    assert instant(told[1].data["promised_at"]) == instant(PROMISED)

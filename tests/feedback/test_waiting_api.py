"""What waits for whom, over HTTP: each party's own list, the most urgent first, page by page."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from shared.testing.sandbox import running_sandbox
from tests.feedback.ward import (
    BY_DISTRIBUTOR,
    BY_HOSPITAL,
    BY_MAKER,
    CITY,
    COUNTY,
    PROVINCE,
    START,
    Ward,
    fault,
)
from tests.journeys.small_town import DISTRIBUTOR

PATH = "/feedback/v1/waiting"


@pytest.fixture
def ward() -> Iterator[Ward]:
    """A sandbox on a Monday: what waits for whom changes with time, so each test has its own."""
    with running_sandbox(START) as sandbox:
        yield Ward(sandbox)


def waiting(ward: Ward, actor: str, limit: int = 100) -> list[dict[str, Any]]:
    """Every item, page by page."""
    items, query = list[dict[str, Any]](), {"limit": str(limit)}
    while True:
        answer = ward.client(actor).get(PATH, params=query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["items"]) <= limit
        items += page["items"]
        if page["next"] is None:
            return items
        query["after"] = page["next"]


def told(ward: Ward, actor: str, limit: int = 100) -> list[tuple[str, str]]:
    return [(item["ticket_id"], item["waits_for"]) for item in waiting(ward, actor, limit)]


def test_each_party_reads_what_it_is_to_do(ward: Ward) -> None:
    opened = ward.opened()
    promised = ward.replied("2026-03-04T10:00:00+08:00")
    solved = ward.solved()
    closed = ward.opened()
    ward.done(COUNTY, closed, "close", reason="重复提交")
    prominent = ward.opened(prominent=True, addressees=[DISTRIBUTOR])
    # The earliest due first; where two are due at once, by their ids.
    assert told(ward, BY_DISTRIBUTOR) == [
        (promised, "solution"), (opened, "reply"), (prominent, "reply"),
    ]  # fmt: skip
    assert told(ward, BY_MAKER) == [(promised, "solution"), (opened, "reply")]
    assert told(ward, BY_HOSPITAL) == [(solved, "confirmation")]
    assert told(ward, PROVINCE) == [(prominent, "supervision")]
    for actor in (COUNTY, CITY, "hospital:H36050200009", "bureau:360103"):
        assert ward.get(PATH, actor) == {"items": [], "next": None}
    for actor in ("regulator:360000", "finance:360100", "importer:360000", "ops:360000"):
        assert fault(ward.client(actor).get(PATH))[:2] == (403, "forbidden")


def test_what_climbs_leaves_one_bureaus_list_for_the_next_and_what_is_solved_leaves_all(
    ward: Ward,
) -> None:
    one, other = ward.opened(), ward.opened()
    ward.sandbox.move("2026-03-05T00:00:00+08:00")
    assert told(ward, COUNTY) == [(one, "supervision"), (other, "supervision")]
    ward.done(BY_DISTRIBUTOR, one, "solved")
    assert told(ward, COUNTY) == [(other, "supervision")]
    ward.sandbox.move("2026-03-11T00:00:00+08:00")
    assert told(ward, COUNTY) == []
    assert told(ward, CITY) == [(other, "supervision")]
    assert told(ward, BY_HOSPITAL) == []  # its silence has confirmed the other
    assert ward.view(one)["state"] == "confirmed"


def test_pages_give_every_ticket_once_in_their_order(ward: Ward) -> None:
    numbers = (5, 3, 6, 4, 3, 5, 6)
    ids = {ward.replied(f"2026-03-{day:02}T10:00:00+08:00"): day for day in numbers}
    expected = sorted(ids, key=lambda ticket_id: (ids[ticket_id], ticket_id))
    for limit in (1, 2, 3, 7, 8):
        found = [item["ticket_id"] for item in waiting(ward, BY_DISTRIBUTOR, limit)]
        assert found == expected


def test_what_is_due_no_more_stands_last_and_does_not_end_the_pages(ward: Ward) -> None:
    """At the province a ticket whose last due has passed waits on, without a due."""
    overdue = [ward.opened() for _ in range(3)]
    ward.sandbox.move("2026-03-30T09:00:00+08:00")
    later = ward.opened(prominent=True)
    assert ward.view(overdue[0])["next_due"] is None
    for limit in (1, 2, 100):
        found = [item["ticket_id"] for item in waiting(ward, PROVINCE, limit)]
        assert found == [later, *overdue]


def test_a_due_that_moves_between_two_pages_loses_no_other_ticket(ward: Ward) -> None:
    ids = [ward.replied(f"2026-03-{day:02}T10:00:00+08:00") for day in (3, 4, 5, 6)]
    first = ward.client(BY_DISTRIBUTOR).get(PATH, params={"limit": 2}).json()
    assert [item["ticket_id"] for item in first["items"]] == ids[:2]
    # The last of the page is solved, and the one before it is broken and supervised: due later now.
    ward.done(BY_DISTRIBUTOR, ids[1], "solved")
    ward.sandbox.move("2026-03-03T10:00:00+08:00")
    second = ward.client(BY_DISTRIBUTOR).get(PATH, params={"after": first["next"]}).json()
    found = [item["ticket_id"] for item in second["items"]]
    assert set(ids[2:]) <= set(found)
    assert found == [ids[2], ids[3], ids[0]]  # seen twice, and never lost
    assert second["next"] is None


@pytest.mark.parametrize(
    "key",
    [
        [], ["x"], ["x", "y"], ["2026-03-02T09:00:00Z", 1], ["2026-03-02T09:00:00Z", "a\0"],
        ["9999-12-31T00:00:00Z", "x"], ["0001-01-01T00:00:00+14:00", "x"], {"a": 1}, 1,
    ],
)  # fmt: skip
def test_a_cursor_that_is_none_of_ours_is_422(standing: Ward, key: Any) -> None:
    text = base64.urlsafe_b64encode(json.dumps(key).encode()).rstrip(b"=").decode()
    for path in (PATH, "/feedback/v1/tickets"):
        answer = standing.client(BY_DISTRIBUTOR).get(path, params={"after": text})
        if path == PATH or key != ["x"]:
            assert fault(answer) == (422, "malformed", "/after")


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", "1.5"])
def test_a_limit_is_one_to_a_thousand(standing: Ward, limit: str) -> None:
    answer = standing.client(BY_DISTRIBUTOR).get(PATH, params={"limit": limit})
    assert fault(answer) == (422, "malformed", "/limit")


@pytest.fixture(scope="module")
def standing() -> Iterator[Ward]:
    """A sandbox in which time stands still."""
    with running_sandbox(START) as sandbox:
        yield Ward(sandbox)


def listed(ward: Ward, actor: str = "ops:360000", **query: Any) -> list[str]:
    """The ids of a list, two a page."""
    found, asked = list[str](), {**query, "limit": 2}
    while True:
        answer = ward.client(actor).get("/feedback/v1/tickets", params=asked)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += [item["ticket_id"] for item in page["items"]]
        if page["next"] is None:
            return found
        asked["after"] = page["next"]


def test_the_list_is_filtered_by_what_a_ticket_has_become(standing: Ward) -> None:
    ward = standing
    opened, promised = ward.opened(), ward.replied("2026-03-04T10:00:00+08:00")
    solved, prominent = ward.solved(), ward.opened(prominent=True)
    confirmed, closed = ward.solved(), ward.opened(addressees=[DISTRIBUTOR])
    ward.done(BY_HOSPITAL, confirmed, "confirm")
    ward.done(COUNTY, closed, "close", reason="重复提交")
    everything = [opened, promised, solved, prominent, confirmed, closed]
    assert listed(ward) == everything
    assert listed(ward, state="open") == [opened, prominent]
    assert listed(ward, state="promised") == [promised]
    assert listed(ward, state="solved") == [solved]
    assert listed(ward, state="confirmed") == [confirmed]
    assert listed(ward, state="closed") == [closed]
    assert listed(ward, level="province") == [prominent]
    assert listed(ward, level="county") == []
    assert listed(ward, bureau="360000") == [prominent]
    assert listed(ward, bureau="360102", state="open") == [opened]
    assert listed(ward, supervised="true") == [prominent]
    assert listed(ward, supervised="false", state="open") == [opened]
    assert listed(ward, addressee=DISTRIBUTOR) == everything
    assert listed(ward, BY_MAKER) == everything[:-1]
    assert listed(ward, "hospital:H36050200009") == []
    assert listed(ward, hospital_id="H36050200009") == []
    assert listed(ward, "bureau:360103", bureau="360102") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("state", "supervised"), ("state", ""), ("level", "national"), ("bureau", "3601"),
        ("hospital_id", "H1"), ("addressee", "91360000MA00000D15"), ("supervised", "perhaps"),
    ],
)  # fmt: skip
def test_a_filter_that_names_nothing_is_422(standing: Ward, name: str, value: str) -> None:
    answer = standing.client(BY_HOSPITAL).get("/feedback/v1/tickets", params={name: value})
    assert fault(answer) == (422, "malformed", f"/{name}")

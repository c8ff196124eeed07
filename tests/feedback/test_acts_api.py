"""Acts on tickets over HTTP: which fault is said first, what is kept, what the answer shows."""

from __future__ import annotations

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

PROMISE = {"promised_at": "2026-03-06T18:00:00+08:00"}
PAST = {"promised_at": "2026-03-01T18:00:00+08:00"}
MEASURE = {"measure": "约谈", "note": "限期恢复供应"}
BROKEN = {"content": b'{"promised_at":', "headers": {"Content-Type": "application/json"}}


@pytest.fixture(scope="module")
def ward() -> Iterator[Ward]:
    """A sandbox in which time stands still: every test has tickets of its own."""
    with running_sandbox(START) as sandbox:
        yield Ward(sandbox)


def test_from_the_report_to_the_confirmation(ward: Ward) -> None:
    ticket_id = ward.opened()
    replied = ward.done(BY_DISTRIBUTOR, ticket_id, "reply", **PROMISE)
    assert (replied["state"], replied["promised_at"]) == ("promised", PROMISE["promised_at"])
    measured = ward.done(COUNTY, ticket_id, "supervise", **MEASURE)
    assert (measured["state"], measured["supervised"]) == ("promised", False)
    assert measured["history"][-1] == {
        "type": "supervised", "at": START, "from": None, "to": None, "by": COUNTY, **MEASURE,
    }  # fmt: skip
    solved = ward.done(BY_MAKER, ticket_id, "solved")
    assert (solved["state"], solved["solved_at"]) == ("solved", START)
    confirmed = ward.done(BY_HOSPITAL, ticket_id, "confirm")
    assert confirmed["state"] == "confirmed"
    assert [(step["type"], step["by"]) for step in confirmed["history"]] == [
        ("opened", BY_HOSPITAL), ("replied", BY_DISTRIBUTOR), ("supervised", COUNTY),
        ("solved", BY_MAKER), ("confirmed", BY_HOSPITAL),
    ]  # fmt: skip
    assert ward.view(ticket_id) == confirmed


def test_a_reopened_ticket_is_promised_again_and_a_closed_one_says_why(ward: Ward) -> None:
    ticket_id = ward.replied(**PROMISE)
    ward.done(BY_DISTRIBUTOR, ticket_id, "solved")
    reopened = ward.done(BY_HOSPITAL, ticket_id, "reopen")
    assert (reopened["state"], reopened["solved_at"]) == ("promised", None)
    closed = ward.done(COUNTY, ticket_id, "close", reason="重复提交")
    assert (closed["state"], closed["closed_at"]) == ("closed", START)
    assert closed["history"][-1]["reason"] == "重复提交"


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({}, "promise_missing", "/promised_at"),
        ({"promised_at": None}, "promise_missing", "/promised_at"),
        (PAST, "promise_in_past", "/promised_at"),
        ({"promised_at": START}, "promise_in_past", "/promised_at"),
        ({"promised_at": "2026-03-02T01:00:00Z"}, "promise_in_past", "/promised_at"),
        ({"promised_at": "2026-03-10T00:00:00.000001+08:00"}, "promise_too_late", "/promised_at"),
        ({"promised_at": "9998-12-31T23:59:59Z"}, "promise_too_late", "/promised_at"),
        ({"promised_at": "2026-03-06"}, "malformed", "/promised_at"),
        ({"promised_at": "9999-12-31T23:59:59Z"}, "malformed", "/promised_at"),
        ({"promised_at": 1772766000}, "malformed", "/promised_at"),
        ({"promised_at": ["2026-03-06T18:00:00+08:00"]}, "malformed", "/promised_at"),
        ([], "malformed", ""),
        ({**PROMISE, "note": "a\0b"}, "malformed", "/note"),
        ({**PROMISE, "a/b": [{"\0": 1}]}, "malformed", "/a~1b/0"),
    ],
)
def test_what_is_wrong_with_a_promise(ward: Ward, body: Any, code: str, pointer: str) -> None:
    ticket_id = ward.opened()
    assert fault(ward.act(BY_DISTRIBUTOR, ticket_id, "reply", json=body)) == (422, code, pointer)
    assert ward.view(ticket_id)["state"] == "open"


def test_a_reply_with_no_body_promises_nothing(ward: Ward) -> None:
    answer = ward.act(BY_DISTRIBUTOR, ward.opened(), "reply")
    assert fault(answer) == (422, "promise_missing", "/promised_at")


def test_a_promise_may_reach_to_the_end_of_the_fifth_working_day(ward: Ward) -> None:
    ward.replied("2026-03-10T00:00:00+08:00")
    ward.replied("2026-03-09 23:59:59")


@pytest.mark.parametrize(
    ("name", "body", "pointer"),
    [
        ("supervise", {}, "/measure"),
        ("supervise", {"measure": "约谈"}, "/note"),
        ("supervise", {**MEASURE, "measure": ""}, "/measure"),
        ("supervise", {**MEASURE, "measure": 7}, "/measure"),
        ("supervise", {**MEASURE, "note": "长" * 10_001}, "/note"),
        ("close", {}, "/reason"),
        ("close", {"reason": ""}, "/reason"),
        ("close", {"reason": ["重复"]}, "/reason"),
    ],
)
def test_a_bureau_says_what_it_does_and_why(ward: Ward, name: str, body: Any, pointer: str) -> None:
    answer = ward.act(COUNTY, ward.opened(), name, json=body)
    assert fault(answer) == (422, "malformed", pointer)


def closed(ward: Ward) -> str:
    ticket_id = ward.opened()
    ward.done(COUNTY, ticket_id, "close", reason="重复提交")
    return ticket_id


def test_of_several_faults_the_first_of_401_404_403_422_409_is_said(ward: Ward) -> None:
    """Each line has every fault of the lines below it."""
    ticket_id = closed(ward)
    nobody = ward.sandbox.client().post(f"/feedback/v1/tickets/{ticket_id}-X/reply", **BROKEN)
    assert nobody.status_code == 401
    assert ward.act("hospital:H36050200009", ticket_id, "reply", **BROKEN).status_code == 404
    assert ward.act("bureau:360103", ticket_id, "reply", **BROKEN).status_code == 404
    assert ward.act(BY_HOSPITAL, f"{ticket_id}-X", "reply", **BROKEN).status_code == 404
    assert ward.act(BY_HOSPITAL, ticket_id, "reply", **BROKEN).status_code == 403
    assert ward.act(BY_DISTRIBUTOR, ticket_id, "reply", **BROKEN).status_code == 400
    assert fault(ward.act(BY_DISTRIBUTOR, ticket_id, "reply", json=PAST))[:2] == (
        422, "promise_in_past",
    )  # fmt: skip
    assert fault(ward.act(BY_DISTRIBUTOR, ticket_id, "reply", json=PROMISE)) == (
        409, "wrong_state", None,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["supervise", "close"])
def test_a_bureau_that_is_not_in_charge_is_told_so_whatever_it_says(ward: Ward, name: str) -> None:
    for actor in (CITY, "regulator:360000", "finance:360100", "ops:360000"):
        for how in ({"json": {"measure": 1}}, BROKEN):
            assert fault(ward.act(actor, closed(ward), name, **how))[:2] == (403, "forbidden")


def test_the_province_may_act_wherever_the_ticket_stands(ward: Ward) -> None:
    ticket_id = ward.opened()
    assert ward.done(PROVINCE, ticket_id, "supervise", **MEASURE)["bureau"] == "360102"
    assert ward.done(PROVINCE, ticket_id, "close", reason="协商解决")["state"] == "closed"


def test_a_prominent_ticket_is_the_provinces_alone(ward: Ward) -> None:
    ticket_id = ward.opened(prominent=True)
    document = ward.view(ticket_id)
    assert (document["level"], document["bureau"], document["supervised"]) == (
        "province", "360000", True,
    )  # fmt: skip
    assert [(step["from"], step["to"]) for step in document["history"][1:]] == [
        (None, "county"), ("county", "city"), ("city", "province"),
    ]  # fmt: skip
    for actor, status in ((COUNTY, 403), (CITY, 403), (PROVINCE, 200)):
        assert ward.act(actor, ticket_id, "supervise", json=MEASURE).status_code == status


def test_the_first_reply_stands(ward: Ward) -> None:
    ticket_id = ward.replied(**PROMISE)
    again = ward.act(BY_MAKER, ticket_id, "reply", json={"promised_at": "2026-03-05 10:00:00"})
    assert fault(again) == (409, "already_replied", None)
    assert ward.view(ticket_id)["promised_at"] == PROMISE["promised_at"]


def test_a_reply_to_what_is_solved_comes_out_of_place(ward: Ward) -> None:
    """Though it has a reply already: the state is what is in the way."""
    ticket_id = ward.replied(**PROMISE)
    ward.done(BY_DISTRIBUTOR, ticket_id, "solved")
    again = ward.act(BY_MAKER, ticket_id, "reply", json=PROMISE)
    assert fault(again)[:2] == (409, "wrong_state")


@pytest.mark.parametrize("name", ["solved", "confirm", "reopen"])
def test_an_act_without_words_needs_no_body_and_takes_one(ward: Ward, name: str) -> None:
    by = BY_DISTRIBUTOR if name == "solved" else BY_HOSPITAL
    make = ward.opened if name == "solved" else ward.solved
    for how in ({}, {"json": {}}, {"json": {"note": "已补送"}}, {"content": b""}):
        assert ward.act(by, make(), name, **how).status_code == 200
    assert ward.act(by, make(), name, **BROKEN).status_code == 400
    assert ward.act(by, make(), name, json=[1]).status_code == 422


@pytest.mark.parametrize("note", ["1e400", "[" * 100 + "]" * 100, "9" * 400])
def test_words_that_cannot_be_kept_are_refused_and_change_nothing(ward: Ward, note: str) -> None:
    ticket_id = ward.opened()
    body = f'{{"promised_at": "{PROMISE["promised_at"]}", "note": {note}}}'
    answer = ward.act(BY_DISTRIBUTOR, ticket_id, "reply", content=body.encode())
    assert fault(answer)[:2] == (422, "malformed")
    assert ward.view(ticket_id)["state"] == "open"


def test_what_a_sender_says_beside_is_kept_and_echoed_on_the_feed(ward: Ward) -> None:
    ticket_id = ward.opened()
    body = {**PROMISE, "contact": "王经理", "ticket_id": "another", "by": "nobody"}
    assert ward.act(BY_DISTRIBUTOR, ticket_id, "reply", json=body).status_code == 200
    told = [item["data"] for item in changes(ward) if item["type"] == "jicai.ticket.replied.v1"]
    [data] = [data for data in told if data["ticket_id"] == ticket_id]
    assert data == {**PROMISE, "contact": "王经理", "ticket_id": ticket_id, "by": BY_DISTRIBUTOR}


def changes(ward: Ward) -> list[dict[str, Any]]:
    after, items = None, list[dict[str, Any]]()
    while True:
        query = {"limit": 1000} | ({"after": after} if after else {})
        page = ward.client("ops:360000").get("/feedback/v1/changes", params=query).json()
        if not page["items"]:
            return items
        items, after = items + page["items"], page["next"]


def test_the_same_key_has_the_same_answer_and_does_the_act_once(ward: Ward) -> None:
    ticket_id, key = ward.opened(), {"Idempotency-Key": "reply-1"}
    first = ward.act(BY_DISTRIBUTOR, ticket_id, "reply", json=PROMISE, headers=key)
    again = ward.act(BY_DISTRIBUTOR, ticket_id, "reply", json=PROMISE, headers=key)
    assert (first.status_code, again.status_code, again.content) == (200, 200, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    other = ward.act(BY_DISTRIBUTOR, ticket_id, "reply", json=PAST, headers=key)
    assert fault(other)[:2] == (422, "idempotency_key_reused")
    # Without the key the second is an act of its own, and the key of another party is another key.
    assert ward.act(BY_DISTRIBUTOR, ticket_id, "reply", json=PROMISE).status_code == 409
    assert ward.act(BY_MAKER, ticket_id, "reply", json=PROMISE, headers=key).status_code == 409
    kinds = [step["type"] for step in ward.view(ticket_id)["history"]]
    assert kinds == ["opened", "replied"]


def test_faults_are_told_in_the_language_that_is_asked_for(ward: Ward) -> None:
    ticket_id = closed(ward)
    chinese = ward.act(BY_DISTRIBUTOR, ticket_id, "solved").json()
    assert chinese["detail"] == "工单当前状态为“已关闭”, 不能进行此操作"
    english = ward.act(BY_DISTRIBUTOR, ticket_id, "solved", headers={"Accept-Language": "en"})
    assert english.json()["detail"] == "the ticket is closed: this cannot be done now"
    late = {"promised_at": "2026-03-20T00:00:00+08:00"}
    answer = ward.act(BY_DISTRIBUTOR, ticket_id, "reply", json=late).json()
    assert "2026-03-10T00:00:00+08:00" in answer["detail"]


@pytest.mark.parametrize(
    "code",
    ["wrong_state", "already_replied", "promise_missing", "promise_in_past", "promise_too_late"],
)
def test_every_refusal_has_its_page(ward: Ward, code: str) -> None:
    assert ward.client(BY_HOSPITAL).get(f"/problems/{code}").status_code == 200


def test_the_document_names_every_act_with_its_body_in_chinese(ward: Ward) -> None:
    paths = ward.client(BY_HOSPITAL).get("/openapi.json").json()["paths"]
    for name, members in (
        ("reply", {"promised_at"}), ("solved", None), ("confirm", None), ("reopen", None),
        ("supervise", {"measure", "note"}), ("close", {"reason"}),
    ):  # fmt: skip
        about = paths[f"/feedback/v1/tickets/{{ticket_id}}/{name}"]["post"]
        assert not about["summary"].isascii()
        assert not about["description"].isascii()
        assert {"403", "404", "409", "422"} <= set(about["responses"])
        if members is None:
            assert "requestBody" not in about
        else:
            schema = about["requestBody"]["content"]["application/json"]["schema"]
            assert set(schema["properties"]) == members


def test_who_is_asked_to_confirm_reads_what_has_arrived(ward: Ward) -> None:
    order_id = "H36010200001-ORD-1"
    ward.order(order_id)
    ward.sandbox.settle()
    ticket_id = ward.opened(order_ids=[order_id])
    assert ward.done(BY_DISTRIBUTOR, ticket_id, "solved")["deliveries"]["state"] == "not_arrived"
    told = ward.view(ticket_id)["deliveries"]
    assert (told["state"], len(told["orders"][0]["lines"])) == ("not_arrived", 2)
    assert "确认" in told["message_zh"]
    assert "confirm" in told["message_en"]
    [waiting] = [
        item
        for item in ward.get("/feedback/v1/waiting", BY_HOSPITAL)["items"]
        if item["ticket_id"] == ticket_id
    ]
    assert waiting["deliveries"] == told
    assert ward.view(ward.opened())["deliveries"] is None

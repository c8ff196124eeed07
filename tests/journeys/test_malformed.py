"""`malformed` in its many forms, each with the pointer to what is wrong; and nothing is stored."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.journeys.goods import D, H, line, load, taken
from tests.journeys.market import Market, Tale

PLAYED_ON = ("log",)
"""What a door refuses it refuses before any bus is asked."""

GONE = object()
"""The member is missing."""

LONG = "x" * 70_000

ENVELOPE = {
    "/specversion": [GONE, "0.3", 1, None],
    "/id": [GONE, "", 7, None, "i" * 257],
    "/source": [GONE, "", 7],
    "/type": [GONE, "jicai.order.placed.v2", "", 7],
    "/time": [GONE, "", 7, "2026-01-05", "2026-01-05T24:00:00Z", "2026-02-30T09:00:00Z", "gestern",
              "2026-W02-1T09:00:00Z", "2026-01-05T09:00:00+25:00", "2026-01-05T09:00Z", None],
    "/subject": [7, {}],
    "/datacontenttype": ["text/xml"],
    "/data": [GONE, None, [], "text", 7],
}  # fmt: skip
QUANTITIES = [GONE, "", "0", "-1", "+1", "1.00001", "1e2", " 1", "1,5", "٣", "NaN", 100, 1.5, None,
              "0.0000"]  # fmt: skip
PLACED = {
    "/data/order_id": [GONE, "", "X-1", H, f"{H}_1", f"{H}-a/b", f"{H}-" + "1" * 60, 7, None,
                       "H36010200002-1", f"{H}-é"],
    "/data/hospital_id": [GONE, "H3601020000", "h36010200001", "H3601020000A", D, None],
    "/data/distributor_id": [GONE, D[:-1], D[:-1] + ("0" if D[-1] != "0" else "1"), H, 7],
    "/data/emergency": ["true", 1, None],
    "/data/back_entered": ["no", 0],
    "/data/lines": [GONE, [], {}, None, "L1"],
    "/data/lines/0": [7, None, "L1"],
    "/data/lines/0/line_id": [GONE, "", 7, "l" * 300],
    "/data/lines/0/product_id": [GONE, "", None],
    "/data/lines/0/quantity": QUANTITIES,
    "/data/lines/0/unit_price": [GONE, "", "-0.1", "1.00001", "0x1", 10.5, None],
    "/data/lines/0/required_by": ["", "2026-01-09", "morgen", 7],
}  # fmt: skip
ANSWERED = {
    "/data/lines": [[], {}, "alle"],
    "/data/lines/0/line_id": [GONE, 7],
    "/data/lines/0/answer": [GONE, "", "maybe", True, None],
    "/data/lines/0/promised_at": ["soon", "2026-01-09"],
}
CANCELLED = {"/data/line_ids": [[], "L1", [7]], "/data/reason": [GONE, 7, None]}
DISPATCHED = {
    "/data/delivery_id": [GONE, "", 7],
    "/data/lines": [GONE, []],
    "/data/lines/0/quantity": QUANTITIES,
    "/data/lines/0/lot_number": [GONE, 7],
    "/data/lines/0/expires_on": [GONE, "2028-13-01", "20280101", "2028-01-01T00:00:00Z", 7],
    "/data/lines/0/trace_codes": ["T", [7]],
}
ARRIVED = {
    "/data/delivery_id": [GONE, ""],
    "/data/proof": ["signed", [], 7],
    "/data/proof/kind": [GONE, "sworn"],
    "/data/proof/reference": [GONE, 7],
}
RECEIVED = {
    "/data/receipt_id": [GONE, ""],
    "/data/arrived_at": ["2026-01-05", "x"],
    "/data/lines": [GONE, []],
    "/data/lines/0/accepted": [GONE, "-1", "1.00001", 1],
    "/data/lines/0/rejected": [GONE, "-1", "", None],
}
RETURNED = {
    "/data/return_id": [GONE, ""],
    "/data/lines/0/quantity": ["0", "x"],
    "/data/reason": [GONE, 7],
}
RETURN_ANSWERED = {"/data/confirmed": [GONE, "true", 1, None], "/data/return_id": [GONE, ""]}
INVOICED = {
    "/data/invoice_number": [GONE, 7],
    "/data/lines/0/unit_price": ["-1", "x"],
    "/data/kind": [GONE, "gift"],
    "/data/return_id": [7, ""],
}


def valid(market: Market, kind: str) -> dict[str, Any]:
    """A well-formed event of the kind, whose order is not known."""
    tale: Tale = market.tale()
    proof = {"kind": "signed", "reference": "1"}
    answer = [{"line_id": "L1", "answer": "accepted", "promised_at": "2026-01-07T12:00:00Z"}]
    return {
        "placed": lambda: tale.placing(lines=[line(required_by="2026-01-09T12:00:00Z")]),
        "answered": lambda: tale.answering(lines=answer),
        "cancelled": lambda: tale.cancelling(line_ids=["L1"]),
        "dispatched": lambda: tale.dispatching(),
        "arrived": lambda: tale.arriving(proof=proof),
        "received": lambda: tale.receiving(arrived_at="2026-01-05T08:00:00Z"),
        "return requested": lambda: tale.returning(),
        "return answered": lambda: tale.settling_return(),
        "invoiced": lambda: tale.invoicing(return_id="T1"),
    }[kind]()


def spoilt(event: dict[str, Any], pointer: str, value: Any) -> dict[str, Any]:
    """The event with one member replaced or taken away."""
    event = copy.deepcopy(event)
    *way, last = [int(step) if step.isdigit() else step for step in pointer.split("/")[1:]]
    place: Any = event
    for step in way:
        place = place[step]
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return event


TABLE = {
    "placed": ENVELOPE | PLACED,
    "answered": ANSWERED,
    "cancelled": CANCELLED,
    "dispatched": DISPATCHED,
    "arrived": ARRIVED,
    "received": RECEIVED,
    "return requested": RETURNED,
    "return answered": RETURN_ANSWERED,
    "invoiced": INVOICED,
}


@pytest.mark.parametrize("kind", TABLE)
def test_what_is_malformed_is_refused_with_its_pointer(market, kind):
    good = valid(market, kind)
    actor = f"hospital:{H}" if H in good["source"] else f"distributor:{D}"
    cases = [(p, value) for p, values in TABLE[kind].items() for value in values]
    results = market.results(actor, *(spoilt(good, *case) for case in cases))
    wrong = []
    for (pointer, value), result in zip(cases, results, strict=True):
        told = (result["status"], result.get("code"), result.get("retryable"))
        said = result.get("pointer") or ""
        if told != ("rejected", "malformed", None) or not (
            said == pointer or said.startswith(f"{pointer}/")
        ):
            wrong.append((pointer, "missing" if value is GONE else value, result))
    assert not wrong


TWICE = {
    "a line placed": ("placed", "lines", [line(), line("L2"), line()], 2),
    "a line answered": ("answered", "lines", [{"line_id": "L1", "answer": "accepted"}] * 2, 1),
    "a line cancelled": ("cancelled", "line_ids", ["L1", "L1"], 1),
    "a lot of a line": ("dispatched", "lines", [load(), load(lot="2"), load()], 2),
    "a line received": ("received", "lines", [taken(), taken()], 1),
    "a line returned": ("return requested", "lines", [{"line_id": "L1", "quantity": "1"}] * 2, 1),
}


@pytest.mark.parametrize("what", TWICE)
def test_named_twice_is_malformed_and_the_pointer_names_the_second(market, what):
    kind, member, rows, place = TWICE[what]
    event = valid(market, kind)
    event["data"][member] = rows
    actor = f"hospital:{H}" if H in event["source"] else f"distributor:{D}"
    result = market.results(actor, event)[0]
    assert result["code"] == "malformed"
    assert (result.get("pointer") or "").startswith(f"/data/{member}/{place}")


def test_a_thousand_lines_are_taken_and_one_more_is_malformed(market):
    lines = [line(f"L{n}") for n in range(1001)]
    tale = market.tale()
    assert tale.place(lines=lines)["code"] == "malformed"
    assert tale.place(lines=lines[:1000])["status"] == "accepted"


def test_an_event_of_256_kib_is_taken_and_a_larger_one_is_malformed(market):
    import json

    event = market.tale().placing(note="")
    room = 256 * 1024 - len(json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode())
    event["data"]["note"] = "x" * (room + 1)
    assert market.results(f"hospital:{H}", event)[0]["code"] == "malformed"
    event["data"]["note"] = "x" * room
    assert market.results(f"hospital:{H}", event)[0]["status"] == "accepted"


def test_what_is_no_object_is_malformed_alone(market):
    good = market.tale().placing()
    results = market.results(f"hospital:{H}", 7, None, "event", [], {}, good)
    assert [r.get("code") for r in results] == ["malformed"] * 5 + [None]


def test_the_id_of_a_malformed_event_is_told_and_not_used_up(market):
    event = market.tale().placing()
    bad = spoilt(event, "/data/lines/0/quantity", "0")
    assert market.results(f"hospital:{H}", bad)[0]["id"] == event["id"]
    assert market.results(f"hospital:{H}", event)[0]["status"] == "accepted"

"""JSON that is allowed or nearly so: NUL, surrogates, depth, huge numbers, doubled members.

Whatever one event carries, its neighbours in the batch are taken, and nothing is a 500.
"""

from __future__ import annotations

import json

import pytest

from tests.journeys.goods import HOSPITAL, OPS

PLAYED_ON = ("log",)
"""What a door refuses it refuses before any bus is asked."""

PATH = "/orders/v1/events"
NOTES = {
    "an escaped NUL": r'"a\u0000b"',
    "a NUL": '"a\0b"',
    "a control character": '"a\x1bb"',
    "a lone high surrogate": r'"\ud800"',
    "a lone low surrogate": r'"\udc00"',
    "surrogates the wrong way round": r'"\udc00\ud800"',
    "an unknown escape": r'"\x41"',
    "a number beyond a double": "1e400",
    "a long integer": "9" * 5000,
    "an integer beyond 2**53": "9007199254740993",
    "a small number": "1e-400",
    "a minus zero": "-0.0",
    "a fraction": "0.1",
    "not a number": "NaN",
    "infinity": "Infinity",
    "a leading zero": "01",
    "100 levels": "[" * 100 + "]" * 100,
    "5,000 levels": "[" * 5000 + "]" * 5000,
    "100,000 levels": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "a doubled member": '{"a": 1, "a": 2}',
    "a bidi override": '"\u202e"',
    "beyond the basic plane": '{"\U0001f48a": 1, "\uffff": 2}',
    "an escaped pair": r'"\ud83d\udc8a"',
    "an escaped slash": r'"\/\u002f"',
    "an escaped backslash before u0000": r'"\\u0000"',
}
TAKEN = {
    "a small number", "a minus zero", "a fraction", "a bidi override", "beyond the basic plane",
    "an escaped pair", "an escaped slash", "an integer beyond 2**53",
    "an escaped backslash before u0000",
}  # fmt: skip
"""What is plain JSON and I-JSON's strings: it must be taken."""


def with_note(event, note):
    """The event's bytes with this text as a member of its data."""
    event["data"]["note"] = "NOTE"
    return json.dumps(event, ensure_ascii=False).replace('"NOTE"', note, 1)


def refuse(word):
    raise ValueError(word)


def post(market, body):
    return market[HOSPITAL].post(
        PATH,
        content=body.encode("utf-8", "surrogatepass"),
        headers={"Content-Type": "application/json"},
    )


@pytest.mark.parametrize("what", NOTES)
def test_a_strange_event_is_judged_alone(market, what):
    before, strange, after = (market.tale() for _ in range(3))
    body = ",".join(
        (
            json.dumps(before.placing()),
            with_note(strange.placing(), NOTES[what]),
            json.dumps(after.placing()),
        )
    )
    answer = post(market, f"[{body}]")
    if answer.status_code == 400:
        # What no JSON parser can read as a batch: nothing of it is stored, and it says so.
        assert answer.headers["content-type"] == "application/problem+json"
        assert what not in TAKEN
        with pytest.raises(ValueError, match=r"."):
            json.loads(f"[{body}]", parse_constant=refuse, parse_int=str)
        return
    told = [result["status"] for result in answer.json()["results"]]
    assert told[0] == told[2] == "accepted"
    assert told[1] in ("accepted", "rejected")
    if what in TAKEN:
        assert told[1] == "accepted", answer.text
    if told[1] == "rejected":
        assert answer.json()["results"][1]["code"] == "malformed"


@pytest.mark.parametrize("what", NOTES)
def test_the_same_alone_is_never_a_500_and_is_echoed_as_it_was(market, what):
    tale = market.tale()
    answer = post(market, with_note(tale.placing(), NOTES[what]))
    assert answer.status_code in (200, 400, 422)
    if answer.status_code == 200:
        assert len(tale.view()["history"]) == 1
        cursor, items = None, []
        while True:
            parameters = {"limit": 1000} | ({"after": cursor} if cursor else {})
            page = market[OPS].get("/orders/v1/changes", params=parameters).json()
            if not page["items"]:
                break
            items, cursor = items + page["items"], page["next"]
        [item] = [i for i in items if i["data"].get("order_id") == tale.order_id]
        assert item["data"]["note"] == json.loads(NOTES[what])


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("id", '"\\ud800"'), ("id", '"a\\u0000"'), ("source", '"urn:jicai:\\udfff"'),
        ("time", '"2026-01-05T09:00:00.' + "1" * 5000 + 'Z"'), ("time", '"２０２６-01-05T09:00:00Z"'),
        ("type", '"\\u0000"'), ("subject", '"\\ud800"'), ("id", '"' + "é" * 256 + '"'),
    ],
)  # fmt: skip
def test_strange_envelopes(market, member, value):
    good = market.tale()
    event = {**market.tale().placing(), member: "STRANGE"}
    text = json.dumps(event).replace('"STRANGE"', value, 1)
    answer = post(market, f"[{json.dumps(good.placing())},{text}]")
    assert answer.status_code in (200, 207), answer.text
    assert answer.json()["results"][0]["status"] == "accepted"
    assert good.view()


def test_a_byte_order_mark_and_blanks_around_the_body(market):
    for wrap in ("\n\t {} \r\n", "\ufeff{}"):
        event = json.dumps([market.tale().placing()])
        assert post(market, wrap.format(event)).status_code in (200, 400)

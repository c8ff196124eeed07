import json
import math
import struct
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from shared.kernel.canonical import MAX_DEPTH, canonical, decode_json, fact_sha256, root
from shared.kernel.clock import BEIJING

SAFE = 2**53 - 1
# One more would round up to 2**1024, which no double holds.
LARGEST_DOUBLE = 2**1024 - 2**970 - 1
NOW = datetime(2026, 1, 5, 1, tzinfo=UTC)
WORDS = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from(
            '\x00\x08\x1f\x7f\x80"\\/\u2028\u2029\ud7ff\ue000\ufeff\uffff😀𐀀\U0010ffff集采'
        ),
    ),
    max_size=8,
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-SAFE, SAFE),
    WORDS,
    st.floats(allow_nan=False, allow_infinity=False),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(WORDS, inner, max_size=5)),
    max_leaves=20,
)
PLAIN = {
    "order_id": "H36010200001-1",
    "lines": [{"line_id": "1", "quantity": "100"}],
    "emergency": False,
}


def fact(data: Any = PLAIN, **changed: Any) -> bytes:
    said: dict[str, Any] = {
        "source": "urn:jicai:H36010200001",
        "id": "a-1",
        "type": "jicai.order.placed.v1",
        "time": NOW,
        "subject": None,
    }
    return fact_sha256(**{**said, **changed}, data=data)


@given(VALUES)
@example({"\ue000": 1, "😀": 2})
@example({"a": {"\uffff": [], "𐀀": {}}})
@example([1.0, -0.0, 1e21, 1e-7, 5e-324, 0.1, 123456789.5, 1e20])
def test_it_writes_what_the_reference_implementation_writes(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(VALUES)
def test_it_writes_the_same_for_what_was_sent(value: Any) -> None:
    for sent in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        assert canonical(decode_json(sent.encode())) == canonical(value)
    assert canonical(decode_json(canonical(value))) == canonical(value)


@pytest.mark.parametrize(
    "character", [*map(chr, range(0x180)), "\u2028", "\u2029", "\ufeff", "\uffff", "😀"]
)
def test_every_escape_is_that_of_the_rfc(character: str) -> None:
    assert canonical(character) == rfc8785.dumps(character)
    assert canonical({character: character}) == rfc8785.dumps({character: character})


# The examples of RFC 8785, sections 3.2.2 and 3.2.3, and numbers of its appendix B.
def test_the_example_of_the_rfc() -> None:
    raw = rb"""{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
      "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"""
    assert canonical(decode_json(raw)).decode() == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


def test_keys_sort_by_their_utf16_units() -> None:
    raw = (
        rb'{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",'
        rb'"1":"One","\ud83d\ude00":"Emoji","\u0080":"Control","\u00f6":"o"}'
    )
    assert list(json.loads(canonical(decode_json(raw))).values()) == [
        *("Carriage Return", "One", "Control", "o", "Euro Sign", "Emoji"),
        "Hebrew Letter Dalet With Dagesh",
    ]


@pytest.mark.parametrize(
    ("bits", "text"),
    [
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("8000000000000001", "-5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("c340000000000000", "-9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555555", "333333333.3333333"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
        ("43143ff3c1cb0959", "1424953923781206.2"),
    ],
)
def test_the_numbers_of_appendix_b(bits: str, text: str) -> None:
    number = struct.unpack(">d", bytes.fromhex(bits))[0]
    assert canonical(number) == text.encode()
    assert canonical([{"a": number}]) == b'[{"a":%b}]' % text.encode()


@given(st.integers(-LARGEST_DOUBLE, LARGEST_DOUBLE))
@example(SAFE)
@example(SAFE + 1)
@example(-SAFE - 1)
@example(2**53 + 1)
@example(2**64)
def test_large_integers_are_doubles(number: int) -> None:
    expected = rfc8785.dumps(number if abs(number) <= SAFE else float(number))
    assert canonical(number) == expected
    assert canonical(decode_json(str(number).encode())) == expected
    if abs(number) > SAFE:
        assert canonical({"n": [number]}) == canonical({"n": [float(number)]})


@pytest.mark.parametrize(
    "value",
    [LARGEST_DOUBLE + 1, math.nan, math.inf, -math.inf, [math.inf], {"a": {"b": -math.inf}}, 2**1024, [-(10**400)],
     "\ud800", {"\udc00": 1}, {"a": "\udfff"}, {1: 2}, {None: 1}, {"a": {1.5: 1}}, {("a",): 1}, object(),
     b"bytes", NOW, {1, 2}, {"a": {1: 2, "b": 1.5}}, {"\ud800": 1.5}, [1.5, object()]],
    ids=lambda value: repr(value)[:20],
)  # fmt: skip
def test_what_has_no_canonical_form_is_a_value_error(value: Any) -> None:
    with pytest.raises(ValueError):
        canonical(value)


@pytest.mark.parametrize("raw", [b"1e400", b"-1e400", b'{"a":[1e999]}', b"1" + b"0" * 400])
def test_numbers_without_end_spoil_only_their_own_event(raw: bytes) -> None:
    good, bad = decode_json(b"[1.5," + raw + b"]")
    assert canonical(good) == b"1.5"
    with pytest.raises(ValueError):
        canonical(bad)


@pytest.mark.parametrize(
    "raw",
    [b"", b" ", b"{", b"NaN", b"Infinity", b"-Infinity", b"01", b"1.", b".5", b"+1", b"'a'", b"{a:1}", b"[1,]",
     b'{"a":1,}', b'"\xff"', b'{"\xff":1}', b'"\xc0\x80"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"', b"\xff",
     b'"\\ud800"', b'"\\udc00\\ud800"', b'"\x00"', b'"\n"', b"1 2", b"\xef\xbb\xbf1", b"[" * 100_000,
     b'{"a":' * 100_000, b"[" * 5_000 + b"]" * 5_000, b"9" * 5_000, b"nul", b'"\\x"', b"// 1"],
    ids=lambda raw: repr(raw[:20]),
)  # fmt: skip
def test_what_is_not_json_is_a_value_error(raw: bytes) -> None:
    with pytest.raises(ValueError):
        decode_json(raw)


@given(
    st.one_of(
        st.binary(max_size=40),
        st.text(alphabet='[]{}",:\\u0123d8eE+-. ntf', max_size=30).map(str.encode),
    )
)
def test_bytes_give_a_canonical_form_or_a_value_error(raw: bytes) -> None:
    try:
        value = decode_json(raw)
        text = canonical(value)
    except ValueError:
        return
    assert canonical(decode_json(text)) == text


def nested(depth: int, leaf: Any) -> Any:
    for level in range(depth):
        leaf = [leaf] if level % 2 else {"a": leaf}
    return leaf


@pytest.mark.parametrize("leaf", ["x", 1.5, 2**60, []])
def test_depth_is_judged_the_same_on_both_roads(leaf: Any) -> None:
    taken = 1 if leaf == [] else 0
    assert canonical(nested(MAX_DEPTH - taken, leaf))
    for depth in (MAX_DEPTH - taken + 1, 300, 5_000):
        with pytest.raises(ValueError):
            canonical(nested(depth, leaf))


def test_a_value_within_itself_is_a_value_error() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(ValueError):
        canonical(loop)


class Inner(msgspec.Struct, omit_defaults=True):
    until: datetime
    on: date
    note: str = ""


class Outer(msgspec.Struct):
    zone: str
    inner: list[Inner]
    at: datetime = msgspec.field(name="from")
    none: None = None
    flag: bool = True


@given(text=WORDS, at=st.datetimes(timezones=st.just(UTC)))
def test_a_struct_of_ours_is_written_as_the_value_it_stands_for(text: str, at: datetime) -> None:
    fact = Outer(zone=text, inner=[Inner(at, at.date()), Inner(at, at.date(), text)], at=at)
    assert canonical(fact) == rfc8785.dumps(msgspec.to_builtins(fact))


def test_a_fact_hashes_the_canonical_object() -> None:
    plain: dict[str, Any] = {
        "source": "urn:jicai:H36010200001",
        "id": "a-1",
        "type": "jicai.order.placed.v1",
    }
    said = {**plain, "time": "2026-01-05T01:00:00Z", "data": PLAIN}
    assert fact() == sha256(rfc8785.dumps(said)).digest()
    assert fact(subject="集采😀") == sha256(rfc8785.dumps({**said, "subject": "集采😀"})).digest()


@given(VALUES, WORDS, WORDS, WORDS, st.one_of(st.none(), WORDS))
def test_a_fact_hashes_whatever_was_said(
    data: Any, source: str, id: str, type: str, subject: str | None
) -> None:
    said = {"source": source, "id": id, "type": type, "time": "2026-01-05T01:00:00Z", "data": data}
    if subject is not None:
        said["subject"] = subject
    got = fact_sha256(source=source, id=id, type=type, time=NOW, subject=subject, data=data)
    assert got == sha256(rfc8785.dumps(said)).digest()


@given(st.dictionaries(WORDS, VALUES, min_size=2, max_size=6))
def test_a_fact_is_known_again_in_another_key_order(data: dict[str, Any]) -> None:
    assert fact(data) == fact(dict(reversed(data.items())))


def test_a_fact_changes_with_each_thing_said() -> None:
    hashes = {
        fact(),
        fact(subject=""),
        fact(subject="a"),
        fact(id="a-2"),
        fact(source="urn:jicai:H36010200002"),
        fact(type="jicai.order.placed.v2"),
        fact(time=NOW + timedelta(microseconds=1)),
        fact({}),
        fact(None),
        fact({**PLAIN, "note": None}),
    }
    assert len(hashes) == 10
    assert fact(time=NOW.astimezone(BEIJING)) == fact()


@pytest.mark.parametrize("said", [{"id": "\ud800"}, {"subject": "\udc00"}, {"data": math.inf}])
def test_a_fact_without_canonical_form_is_a_value_error(said: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        fact(**said)


def test_a_root_is_the_hash_of_its_lines_in_order() -> None:
    one, two = sha256(b"1").hexdigest(), sha256(b"2").hexdigest()
    assert root([one, two]) == sha256(f"{one}\n{two}".encode()).hexdigest()
    assert root([one, two]) != root([two, one])
    assert root(iter([one])) == sha256(one.encode()).hexdigest()
    assert root([]) == sha256(b"").hexdigest()

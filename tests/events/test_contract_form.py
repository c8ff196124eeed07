"""What stands on the bus is the event's data in the contract's own form, and what its reader needs.

The facts come out of the real door and the real rules (see `story`); a program that knows only the
contract is played by `holds`.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest

from shared.events import orders as o
from shared.kernel.clock import parse_instant
from tests.events.story import (
    AREA,
    DISTRIBUTOR,
    ENRICHED,
    HOSPITAL,
    ORDER,
    STORY,
    Telling,
    Told,
    a_line,
    facts_of_orders,
    other_facts,
)

DECIMAL = re.compile(r"[0-9]+(\.[0-9]{1,4})?").fullmatch

CONTRACT = {
    o.PLACED: "order_id hospital_id distributor_id emergency back_entered "
    "lines[line_id product_id quantity unit_price required_by?]",
    o.ANSWERED: "order_id lines[line_id answer reason_code? promised_at?]",
    o.CANCELLED: "order_id line_ids reason",
    o.DISPATCHED: "delivery_id order_id lines[line_id quantity lot_number expires_on trace_codes?]",
    o.ARRIVED: "delivery_id order_id proof",
    o.RECEIVED: "receipt_id delivery_id order_id arrived_at "
    "lines[line_id accepted rejected reject_reason?]",
    o.RETURN_REQUESTED: "return_id order_id receipt_id lines[line_id quantity] reason",
    o.RETURN_ANSWERED: "return_id order_id confirmed reason",
    o.INVOICE_REGISTERED: "invoice_id invoice_number order_id receipt_id "
    "lines[line_id quantity unit_price] kind return_id",
}
"""Section 3, copied by hand: a `?` need not stand on every line, but on one of the story's."""

NUMBERS = {"quantity", "unit_price", "accepted", "rejected", "selected_price"}


def holds(value: Any, sent: Any) -> bool:
    """Whether everything that was sent stands in the value: texts as sent, instants as instants."""
    if isinstance(sent, dict):
        return isinstance(value, dict) and all(
            name in value and holds(value[name], one) for name, one in sent.items()
        )
    if isinstance(sent, list):
        return len(value) == len(sent) and all(map(holds, value, sent))
    if isinstance(sent, str) and re.match(r"\d{4}-\d\d-\d\dT", sent):
        return parse_instant(value) == parse_instant(sent)
    return type(value) is type(sent) and bool(value == sent)


def told_of(type_: str) -> list[Told]:
    return [told for told in facts_of_orders() if told.type == type_]


@pytest.mark.parametrize("told", facts_of_orders(), ids=lambda told: told.type)
def test_a_fact_holds_what_was_sent_as_it_was_sent(told: Told) -> None:
    """Quantities and prices to the letter, also those that are not in their shortest form."""
    assert holds(told.value, told.sent)


def test_what_is_not_as_sent_would_be_noticed() -> None:
    """The comparison is none that anything passes."""
    [told] = told_of(o.INVOICE_REGISTERED)
    for wrong in ("12.5", 12.5, 125_000):
        value = told.value
        value["lines"][0]["unit_price"] = wrong
        assert not holds(value, told.sent)
    assert not holds({**told.value, "lines": []}, told.sent)


@pytest.mark.parametrize("type_", CONTRACT)
def test_every_member_of_the_contract_stands_in_a_fact(type_: str) -> None:
    """Section 3 row by row; what a line may lack stands on at least one."""
    flat, _, rest = CONTRACT[type_].partition("lines[")
    within, _, after = rest.partition("]")
    values = [told.value for told in told_of(type_)]
    assert values
    for value in values:
        assert not {*flat.split(), *after.split()} - value.keys()
        for member in within.split():
            lines = value["lines"]
            assert lines
            if not member.endswith("?"):
                assert all(member in line for line in lines)
    lines = [line for value in values for line in value.get("lines", [])]
    for member in within.split():
        assert any(member.removesuffix("?") in line for line in lines), member


def test_the_story_tells_every_type_of_the_contract() -> None:
    """No type escapes the checks of this page."""
    assert {type_ for type_, _ in STORY} == CONTRACT.keys()
    assert {told.type for told in facts_of_orders()} == o.FACTS.keys()


@pytest.mark.parametrize("told", [*facts_of_orders(), *other_facts()], ids=lambda told: told.type)
def test_no_number_of_goods_or_yuan_is_anything_but_a_decimal_string(told: Told) -> None:
    """Under the contract's names stand texts, under ours integers; a float stands nowhere."""

    def check(value: Any) -> None:
        assert not isinstance(value, float)
        for one in value if isinstance(value, list) else []:
            check(one)
        for name, one in value.items() if isinstance(value, dict) else []:
            if name in NUMBERS:
                assert isinstance(one, str)
                assert DECIMAL(one)
            if name.endswith("_e4"):
                assert type(one) is int
            check(one)

    check(told.value)


@pytest.mark.parametrize("told", facts_of_orders(), ids=lambda told: told.type)
def test_a_fact_carries_what_its_reader_needs_of_the_order_and_of_each_line(told: Told) -> None:
    """No reader has to have seen the order first: a delivery may overtake it."""
    value = told.value
    assert value.items() >= AREA.items()
    assert value["lines"]
    first = [line for line in value["lines"] if line["line_id"] == "L1"]
    for line in first:
        assert line.items() >= ENRICHED.items()
    for line in value["lines"]:
        if line["line_id"] != "L1":
            assert (line["supplier_role"], line["category"]) == ("none", "consumable")
            assert "selected_price" not in line


def test_defaults_of_the_contract_are_written_out() -> None:
    """A reader who does not know the defaults reads false, not nothing."""
    hurried, silent = (told.value for told in told_of(o.PLACED))
    assert (hurried["emergency"], hurried["back_entered"]) == (True, False)
    assert (silent["emergency"], silent["back_entered"], silent["remote"]) == (False, False, True)


def test_an_answer_or_cancellation_without_lines_names_the_lines_it_meant() -> None:
    """The sender left them out; the reader need not know which were still open."""
    telling = Telling()
    lines = [a_line("L1"), a_line("L2", "P2")]
    sides = {"hospital_id": HOSPITAL, "distributor_id": DISTRIBUTOR}
    telling.send(o.PLACED, {"order_id": ORDER, **sides, "lines": lines})
    answered = telling.send(o.ANSWERED, {"order_id": ORDER}).value
    assert [(x["line_id"], x["answer"]) for x in answered["lines"]] == [
        ("L1", "accepted"), ("L2", "accepted"),
    ]  # fmt: skip
    cancelled = telling.send(o.CANCELLED, {"order_id": ORDER, "reason": "重复下单"}).value
    assert cancelled["line_ids"] == ["L1", "L2"]
    assert [x["line_id"] for x in cancelled["lines"]] == ["L1", "L2"]


def test_our_integers_say_the_same_as_the_texts() -> None:
    """A reader may count with either."""
    [received] = told_of(o.RECEIVED)
    line = received.value["lines"][0]
    assert (line["accepted"], line["accepted_e4"]) == ("99.50", 995_000)
    assert (line["rejected"], line["rejected_e4"]) == ("0.5", 5_000)
    assert (line["unit_price"], line["unit_price_e4"]) == ("12.50", 125_000)
    total = received.value["totals"][0]
    assert (total["dispatched_e4"], total["arrives_e4"]) == (1_000_000, 995_000)


@pytest.mark.parametrize("told", facts_of_orders(), ids=lambda told: told.type)
def test_our_own_readers_read_back_what_was_written(told: Told) -> None:
    """Encoding and decoding go by the same names."""
    fact = msgspec.json.decode(told.fact, type=o.FACTS[told.type])
    assert json.loads(msgspec.json.encode(fact)) == told.value

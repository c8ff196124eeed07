"""What cannot be settled yet is what a plain count over the told story says it is."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from shared.testing.sandbox import running_sandbox
from tests.journeys.goods import D2, FAR, H2, OPS, D, H, line, load, taken
from tests.journeys.market import Market

PATH = "/settlement/v1/unmatched"
SELECTED = Decimal("10.50")
PRICES = ("10.5", "10.5", "10.5001", "3")
PLACES = ("order_id", "receipt_id", "order_line_id")

BAD_CURSORS = [
    {"after": urlsafe_b64encode(key).decode()}
    for key in (
        b"!",
        b"[]",
        b'["","",""]',
        b'["","","",1]',
        b'["","","","\\u0000"]',
        b'["","","","\\ud800"]',
    )
]


class Count:
    """The story by the contract's words: what was accepted, and what was invoiced in which order."""

    def __init__(self) -> None:
        self.accepted: dict[tuple[str, str, str], Decimal] = {}
        self.net: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
        self.sales: dict[tuple[str, str, str], list[tuple[str, int, Decimal]]] = defaultdict(list)

    def unmatched(self) -> dict[tuple[str, str, str], tuple[Decimal, str]]:
        reasons = {}
        for key, accepted in self.accepted.items():
            if self.net[key] == 0:
                reasons[key] = (accepted, "no_invoice")
            elif self.net[key] != accepted:
                reasons[key] = (accepted, "quantity_differs")
            elif max(self.sales[key])[2] > SELECTED:
                reasons[key] = (accepted, "price_above_selected")
        return reasons


class Story:
    """Orders of two hospitals and two distributors, received in part, invoiced well and badly."""

    def __init__(self, market: Market, chance: Random) -> None:
        self.market, self.count, self.chance = market, Count(), chance
        self.parties: dict[str, tuple[str, str]] = {}
        self.orders = 0

    def tell(self) -> None:
        for hospital in (H, H2, FAR):
            for distributor in (D, D2):
                for _ in range(4):
                    self.order(hospital, distributor)
        self.market.sandbox.settle()

    def order(self, hospital: str, distributor: str) -> None:
        """Line 1 and 2 are P, of the main supplier; line 3 is Q, of none."""
        lines = [line("L1"), line("L2"), line("L3", product_id="Q")]
        tale = self.market.placed(hospital, distributor, lines=lines)
        self.parties[tale.order_id] = (hospital, distributor)
        done = tale.dispatch(lines=[load(f"L{n}") for n in (1, 2, 3)])
        assert done["status"] == "accepted", done
        accepted = {f"L{n}": self.chance.choice(["0", "99.5", "100"]) for n in (1, 2, 3)}
        done = tale.receive(
            lines=[
                taken(line_id, quantity, str(100 - Decimal(quantity)), reject_reason="damaged")
                for line_id, quantity in accepted.items()
            ]
        )
        assert done["status"] == "accepted", done
        for line_id in ("L1", "L2"):
            if accepted[line_id] != "0":
                self.count.accepted[tale.order_id, "R1", line_id] = Decimal(accepted[line_id])
        back = [name for name, quantity in accepted.items() if quantity != "0"][:1]
        if back:
            self.give_back(tale, back[0])
        for number in range(self.chance.choice([0, 1, 1, 2, 3])):
            self.invoice(tale, number, accepted, bool(back))

    def give_back(self, tale: Any, line_id: str) -> None:
        lines = [{"line_id": line_id, "quantity": "1"}]
        for event in (tale.returning(lines=lines), tale.settling_return()):
            done = tale.send(event)
            assert done["status"] == "accepted", done

    def quantity(self, accepted: str) -> str:
        """What was accepted, as a rule; of a line that was sent back, whatever."""
        usual = "1" if accepted == "0" else accepted
        return self.chance.choice(["0.5", "50", usual, usual, usual, usual])

    def invoice(self, tale: Any, number: int, accepted: dict[str, str], returned: bool) -> None:
        kind = self.chance.choice(["sale", "sale", "credit"])
        return_id = "T1" if returned and self.chance.random() < 0.4 else None
        # The later an invoice is told, the earlier it may be dated.
        time = self.chance.choice([f"2026-01-05T08:0{n}:00+08:00" for n in range(3)])
        lines = {
            name: (self.quantity(accepted[name]), self.chance.choice(PRICES))
            for name in self.chance.sample(["L1", "L2", "L3"], 2)
        }
        done = tale.send(
            tale.invoicing(
                f"I{number}", kind=kind, return_id=return_id, time=time,
                lines=[
                    {"line_id": name, "quantity": quantity, "unit_price": price}
                    for name, (quantity, price) in lines.items()
                ],
            )
        )  # fmt: skip
        assert done["status"] == "accepted", done
        for name, (quantity, price) in lines.items():
            key = (tale.order_id, "R1", name)
            if kind == "sale":
                self.count.net[key] += Decimal(quantity)
                self.count.sales[key].append((time, number, Decimal(price)))
            elif return_id is None:
                self.count.net[key] -= Decimal(quantity)


@pytest.fixture(scope="module")
def story(bus: str) -> Iterator[Story]:
    """One story of twenty-four orders, told."""
    with running_sandbox() as sandbox:
        told = Story(Market(sandbox), Random(6))
        told.tell()
        yield told


def listed(story: Story, actor: str = OPS, limit: int = 1_000, **wanted: str) -> list[Any]:
    """Every item, from page to page."""
    items, after = [], None
    while True:
        asked = {**wanted, "limit": limit} | ({"after": after} if after else {})
        answer = story.market[actor].get(PATH, params=asked)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["items"]
        after = page["next"]
        if after is None:
            return items


def test_the_list_is_the_plain_count(story: Story) -> None:
    counted = story.count.unmatched()
    items = listed(story)
    found = {
        tuple(item[name] for name in PLACES): (Decimal(item["quantity"]), item["reason"])
        for item in items
    }
    assert len(items) == len(found)
    assert found == counted
    reasons = [reason for _, reason in counted.values()]
    assert set(reasons) == {"no_invoice", "quantity_differs", "price_above_selected"}
    assert 0 < len(counted) < len(story.count.accepted), "the story matches nothing or everything"


def test_it_goes_by_id_from_page_to_page(story: Story) -> None:
    items = listed(story)
    keys = [tuple(item[name] for name in PLACES) for item in items]
    assert keys == sorted(keys)
    assert listed(story, limit=3) == items


def test_it_is_asked_for_by_hospital_and_by_payee(story: Story) -> None:
    everything = listed(story)
    for hospital in (H, H2, FAR):
        for payee in (D, D2):
            of_pair = [
                item for item in everything if story.parties[item["order_id"]] == (hospital, payee)
            ]
            assert of_pair, "the story has nothing unmatched for this pair"
            assert listed(story, hospital_id=hospital, payee_id=payee) == of_pair


def test_everybody_sees_their_own(story: Story) -> None:
    everything = listed(story)
    sees = {
        f"hospital:{H}": lambda hospital, _: hospital == H,
        f"distributor:{D2}": lambda _, payee: payee == D2,
        "bureau:360102": lambda hospital, _: hospital in (H, H2),
        "bureau:360700": lambda hospital, _: hospital == FAR,
        "finance:360100": lambda hospital, _: hospital in (H, H2),
        "finance:360000": lambda *_: True,
        "regulator:360000": lambda *_: True,
    }
    for actor, theirs in sees.items():
        own = [item for item in everything if theirs(*story.parties[item["order_id"]])]
        assert listed(story, actor) == own, actor
        assert listed(story, actor, hospital_id=FAR) == [
            item for item in own if item["order_id"].startswith(FAR)
        ]


def test_a_line_that_is_put_right_leaves_the_list(story: Story) -> None:
    wrong = next(item for item in listed(story) if item["reason"] == "no_invoice")
    hospital, payee = story.parties[wrong["order_id"]]
    tale = story.market.tale(hospital, payee)
    tale.order_id = wrong["order_id"]
    right = {
        "line_id": wrong["order_line_id"],
        "quantity": wrong["quantity"],
        "unit_price": "10.5",
    }
    event = tale.invoicing("RIGHT", lines=[right], id=f"{tale.order_id}-right")
    assert tale.send(event)["status"] == "accepted"
    assert tale.send(event)["status"] == "duplicate"
    story.market.sandbox.settle()
    assert wrong not in listed(story)


def test_faults_of_a_question_are_named(story: Story) -> None:
    for wanted in ({"hospital_id": "H1"}, {"payee_id": "x"}, {"limit": "0"}, *BAD_CURSORS):
        answer = story.market[OPS].get(PATH, params=wanted)
        assert answer.status_code == 422, (wanted, answer.text)

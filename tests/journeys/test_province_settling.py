"""What the simulated province's story brings to settle, and when its clerks work."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest

from jicai.province.days import is_working_day
from jicai.province.recall import HOSPITAL
from jicai.province.settling import BATCH, ENDS_AT, PREPAID_HOSPITAL, errands, least_prepayment_fen
from jicai.province.story import Story, write_story
from jicai.settlement_words import yuan

STORY = write_story(7)


def of_type(story: Story, name: str) -> list[tuple[str, dict]]:
    """(occurred, data) of the events of one type, each once."""
    found = {
        (event["source"], event["id"]): (event["time"], event["data"])
        for moment in reversed(story.moments)
        for event in moment.events
        if event["type"] == f"jicai.{name}.v1"
    }
    return list(found.values())


def test_a_recall_sends_back_more_in_february_than_its_pair_receives():
    prices = {
        (data["order_id"], line["line_id"]): Decimal(line["unit_price"])
        for _, data in of_type(STORY, "order.placed")
        for line in data["lines"]
    }
    supplier = next(
        data["distributor_id"]
        for _, data in of_type(STORY, "order.placed")
        if data["order_id"].startswith(HOSPITAL) and data["order_id"].endswith("-ZH")
    )
    own = {
        data["order_id"]
        for _, data in of_type(STORY, "order.placed")
        if data["hospital_id"] == HOSPITAL and data["distributor_id"] == supplier
    }

    def received(month: str) -> Decimal:
        return (
            sum(
                prices[data["order_id"], line["line_id"]] * Decimal(line["accepted"])
                for occurred, data in of_type(STORY, "delivery.received")
                if data["order_id"] in own and occurred.startswith(month)
                for line in data["lines"]
            )
            + Decimal()
        )

    confirmed = {
        data["return_id"]
        for occurred, data in of_type(STORY, "return.answered")
        if data["confirmed"] and occurred.startswith("2026-02")
    }
    returned = sum(
        prices[data["order_id"], line["line_id"]] * Decimal(line["quantity"])
        for _, data in of_type(STORY, "return.requested")
        if data["order_id"] in own and data["return_id"] in confirmed
        for line in data["lines"]
    )
    assert received("2026-02") < returned <= received("2026-01")
    assert received("2026-03") > returned - received("2026-02")


def test_a_story_of_other_days_has_no_recall():
    story = write_story(7, first_day=STORY.first_day + timedelta(days=2), orders=50)
    assert not [d for _, d in of_type(story, "order.placed") if d["order_id"].endswith("-ZH")]


def test_something_of_the_story_stays_unmatched_for_each_reason():
    invoiced: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    for _, data in of_type(STORY, "invoice.registered"):
        for line in data["lines"] if data["kind"] == "sale" else ():
            key = (data["receipt_id"], line["line_id"])
            invoiced[key] = (Decimal(line["quantity"]), Decimal(line["unit_price"]))
    selected = {
        one["product_id"]: Decimal(one["selected_price"])
        for path, body in STORY.reference
        if "/batches/" in path
        for one in body["main"]
    }
    products = {
        (data["order_id"], line["line_id"]): line["product_id"]
        for _, data in of_type(STORY, "order.placed")
        for line in data["lines"]
    }
    found: Counter[str] = Counter()
    for _, data in of_type(STORY, "delivery.received"):
        for line in data["lines"]:
            accepted = Decimal(line["accepted"])
            quantity, price = invoiced.get((data["receipt_id"], line["line_id"]), (None, None))
            product = products[data["order_id"], line["line_id"]]
            if not accepted or product not in selected:
                continue
            if quantity is None:
                found["no_invoice"] += 1
            elif quantity != accepted:
                found["quantity_differs"] += 1
            else:
                found["too_dear" if price > selected[product] else "matched"] += 1
    assert min(found[one] for one in ("no_invoice", "quantity_differs", "too_dear")) > 3
    assert found["matched"] > found.total() / 2


def test_clerks_work_on_working_days_in_office_hours_and_in_the_order_of_time():
    instants = [errand.instant for errand in errands()]
    assert instants == sorted(instants)
    assert all(is_working_day(one.date()) and 8 <= one.hour < 17 for one in instants)
    assert STORY.begins_at < instants[0]
    assert instants[-1] < ENDS_AT


def test_the_least_prepayment_is_exactly_thirty_percent_of_the_agreements():
    selected = {
        one["product_id"]: Decimal(one["selected_price"])
        for path, body in STORY.reference
        if path.endswith(f"/batches/{BATCH}")
        for one in body["main"]
    }
    agreed = sum(
        Decimal(body["agreed_quantity"]) * selected[body["product_id"]]
        for path, body in STORY.reference
        if "/agreements/" in path
        and body["hospital_id"] == PREPAID_HOSPITAL
        and body["batch_id"] == BATCH
    )
    assert least_prepayment_fen(PREPAID_HOSPITAL) == agreed * 30


@pytest.mark.parametrize(
    ("fen", "text"),
    [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (123456789, "1,234,567.89"), (-599400, "-5,994.00")],
)
def test_fen_are_shown_as_yuan(fen, text):
    assert yuan(fen) == text

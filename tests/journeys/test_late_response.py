"""A16.2 from order to list: the published vectors through a running sandbox, holidays and all."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.testing.sandbox import running_sandbox
from tests.journeys.goods import PROVINCE, D
from tests.journeys.market import Market

VECTORS = Path(__file__).parents[1] / "vectors" / "late_response.json"
CASES = json.loads(VECTORS.read_text(encoding="utf-8"))["cases"]
LISTS = "/alerts/v1/late-response-lists"


def lists_of(market: Market, day: date) -> list[Any]:
    answer = market[PROVINCE].get(LISTS, params={"day": day.isoformat(), "distributor_id": D})
    assert answer.status_code == 200, answer.text
    items: list[Any] = answer.json()["items"]
    return items


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["sent"][:10])
def test_an_unanswered_line_is_listed_by_its_day_and_not_before_it_expires(
    case: dict[str, str],
) -> None:
    with running_sandbox(now=case["sent"]) as sandbox:
        market = Market(sandbox)
        order_id = market.placed().order_id
        day, by = (date.fromisoformat(case[name][:10]) for name in ("sent", "list_by"))
        sandbox.move(f"{by}T09:00:00+08:00")
        found: dict[date, Any] = {}
        while day <= by:
            for late in lists_of(market, day):
                for line in late["lines"]:
                    if line["order_id"] == order_id:
                        found[day] = line
            day += timedelta(days=1)
        assert list(found) == [by]
        assert found[by]["occurrence"] == "first"
        for name, instant in (("sent_at", "sent"), ("expired_at", "expires")):
            assert datetime.fromisoformat(found[by][name]) == datetime.fromisoformat(case[instant])

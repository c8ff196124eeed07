"""A delivery of last year, told by the importer: its month is drafted on 8 January, soon after the start."""

from __future__ import annotations

from tests.journeys.goods import IMPORTER, PROVINCE, D, H, Json, line, load, taken
from tests.journeys.market import Market, Tale

OLD: Json = {
    "name": "上一批",
    "organiser": "province",
    "published_on": "2025-10-01",
    "effective_on": "2025-11-01",
    "ends_on": "2025-12-31",
    "backup": [],
    "main": [{"product_id": "P", "divisions": ["360000"], "selected_price": "10.50"}],
}
"""A batch that ended with the year before."""

DRAFT = "2026-01-08T00:00:00+08:00"


def deliver(market: Market, hospital: str = H, distributor: str = D, lines: int = 2) -> Tale:
    """An order of last December: placed, answered, sent, received, invoiced in full."""
    assert market[PROVINCE].put("/orders/v1/batches/OLD", json=OLD).status_code == 200
    tale = market.tale(hospital, distributor)
    ids = [f"L{n}" for n in range(1, lines + 1)]
    invoiced = [{"line_id": one, "quantity": "100", "unit_price": "10.5"} for one in ids]
    events = [
        tale.placing(lines=[line(one) for one in ids], time="2025-12-20T09:00:00+08:00"),
        tale.answering(time="2025-12-20T10:00:00+08:00"),
        tale.dispatching(lines=[load(one) for one in ids], time="2025-12-20T11:00:00+08:00"),
        tale.receiving(lines=[taken(one) for one in ids], time="2025-12-21T09:00:00+08:00"),
        tale.invoicing(lines=invoiced, time="2025-12-22T09:00:00+08:00"),
    ]
    results = market.results(IMPORTER, *events)
    assert {one["status"] for one in results} == {"accepted"}, results
    return tale

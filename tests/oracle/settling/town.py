"""The smallest place where a month can be settled by hand; it is spring 2026.

`H` and `H2` belong to the pool 360100 (one of a county, one of the city), `FAR` to 360200, `TOP` to the
province. `P` is main at 10.50 in batch B of maker M, `Q` main at 0.50 in batch C of maker N, `R` is in
no batch. March is drafted on 8 April 00:00 (the 4th to the 6th are holidays), April on 11 May, May on
5 June. `day(8, 4)` is 8 April 00:00, `day(8, 4, 9)` nine o'clock on it.
"""

from datetime import datetime, timedelta
from typing import Any

from tests.oracle.uscc import make_uscc
from tests.oracle.wire import parse_time
from tests.oracle.world import World

H, H2, FAR, TOP = "H36010200001", "H36010000001", "H36020000001", "H36000000001"
D, OTHER, M, N = make_uscc(1), make_uscc(2), make_uscc(3), make_uscc(4)
SECOND = timedelta(seconds=1)
HOSPITAL, PAYEE = f"hospital:{H}", f"distributor:{D}"
BUREAU, FINANCE = "bureau:360100/li", "finance:360100/wang"
PROVINCE, PURSE = "bureau:360000/zhao", "finance:360000/sun"


def day(number: int, month: int = 3, hour: int = 0) -> datetime:
    """An hour of a day of 2026."""
    return parse_time(f"2026-{month:02d}-{number:02d}T{hour:02d}:00:00+08:00")


START = day(2, hour=8)
MARCH, APRIL, MAY = day(8, 4), day(11, 5), day(5, 6)
"""When these months are drafted."""


def town() -> World:
    """The reference data, put before anything happens."""
    world, at = World(), day(1)
    for key in (H, H2, FAR, TOP):
        world.put(at, f"organisations/{key}", {"kinds": ["hospital"], "division": key[1:7]})
    for key in (D, OTHER):
        world.put(at, f"organisations/{key}", {"kinds": ["distributor"], "division": "360100"})
    for key in (M, N):
        world.put(at, f"organisations/{key}", {"kinds": ["manufacturer"], "division": "360100"})
    for key, maker in (("P", M), ("Q", N), ("R", M)):
        generic = {"category": "drug", "generic_name": f"G{key}", "manufacturer_id": maker}
        world.put(at, f"products/{key}", generic)
    for batch, product, price in (("B", "P", "10.50"), ("C", "Q", "0.50")):
        main = [{"product_id": product, "divisions": ["360000"], "selected_price": price}]
        dates = {"effective_on": "2026-01-01", "ends_on": "2026-12-31"}
        world.put(at, f"batches/{batch}", {**dates, "main": main, "backup": []})
    agreed = {"batch_id": "B", "hospital_id": H, "product_id": "P", "distributor_id": D}
    world.put(at, "agreements/A", {**agreed, "agreed_quantity": "1000"})
    return world


def name(month: str = "2026-03", payee: str = D, hospital: str = H) -> str:
    """Our id of a statement."""
    return f"{hospital}~{payee}~{month}"


def sums(statement: dict[str, Any]) -> tuple[int, int, int, int]:
    """Receipts, returns, carried, total."""
    names = ("receipts_fen", "returns_fen", "carried_fen", "total_fen")
    receipts, returns, carried, total = (statement[one] for one in names)
    return receipts, returns, carried, total


def listed(statement: dict[str, Any]) -> list[tuple[str, str, int, str]]:
    """Kind, product, amount and state of each line."""
    return [
        (one["kind"], one["product_id"], one["amount_fen"], one["state"])
        for one in statement["lines"]
    ]

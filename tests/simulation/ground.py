"""The small province that every seed plays in: registers, calendar, terms, and rules that soon speak."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final

import msgspec

from services.alerts.policy import concentration_rule, rate_rules
from services.feedback.domain.world import Registered
from services.feedback.domain.world import World as TicketWorld
from services.feedback.policy import ticket_terms
from services.orders.domain.registers import Organisation, Product, Registers, Role
from services.orders.domain.world import World as OrderWorld
from services.orders.policy import order_terms
from services.settlement.policy import statement_terms
from shared.store.calendar_files import shipped_calendar
from shared.store.policy_files import shipped_policy
from tests.oracle.uscc import make_uscc

POLICY: Final = shipped_policy()
CALENDAR: Final = shipped_calendar()
ORDER_TERMS: Final = order_terms(POLICY)
STATEMENT_TERMS: Final = statement_terms(POLICY)

HOSPITALS: Final = ("H36010200001", "H36010000001", "H36000000001", "H36073500003")
"""Of a county, a city, the province, and a remote county: ladders of three, two and one rungs."""
DISTRIBUTORS: Final = (make_uscc(1), make_uscc(2))
MAKERS: Final = (make_uscc(3), make_uscc(4))
PRODUCTS: Final = ("P", "Q", "R", "N")
"""Two main suppliers, a backup, and one that stands in no batch."""

UNIT: Final = 10_000
PRICE: Final = 105_000
BATCH: Final = "B1"

RATE_RULES: Final = tuple(msgspec.structs.replace(r, sample_min=2) for r in rate_rules(POLICY))
CROWD_RULE: Final = msgspec.structs.replace(concentration_rule(POLICY), tickets=3, hospitals=2)
"""The rules themselves with small samples: forty steps have to be enough for an alert."""

STARTS: Final = tuple(
    datetime(2026, month, day, hour, tzinfo=UTC)
    for month, day, hour in ((1, 5, 1), (1, 29, 3), (2, 12, 15), (3, 30, 1), (9, 28, 8), (4, 28, 2))
)
"""A plain Monday, ends of months whose drafts come soon, and days before long holidays."""


def _registers() -> Registers:
    registers = Registers()
    levels = ("secondary", "tertiary", "tertiary", "primary")
    for one, level in zip(HOSPITALS, levels, strict=True):
        registers.organisations[one] = Organisation(
            one, frozenset({"hospital"}), one[1:7], level, level == "primary"
        )
    for one in DISTRIBUTORS:
        registers.organisations[one] = Organisation(
            one, frozenset({"distributor"}), "360100", None, False
        )
    for number, one in enumerate(PRODUCTS):
        category = "drug" if number % 2 == 0 else "consumable"
        registers.products[one] = Product(one, f"generic-{one}", category, MAKERS[number % 2])
    year = (date(2026, 1, 1), date(2026, 12, 31), ("36",))
    roles = [(one, Role(BATCH, "main", *year, PRICE)) for one in PRODUCTS[:2]]
    registers.put_batch(BATCH, [*roles, (PRODUCTS[2], Role(BATCH, "backup", *year, None))])
    return registers


ORDER_WORLD: Final = OrderWorld(
    _registers(),
    CALENDAR,
    ORDER_TERMS,
    {(HOSPITALS[0], PRODUCTS[0], DISTRIBUTORS[0]): {BATCH: "A1"}},
)
TICKET_WORLD: Final = TicketWorld(
    Registered(
        hospitals=dict.fromkeys(HOSPITALS),
        enterprises=frozenset((*DISTRIBUTORS, *MAKERS)),
        products=dict.fromkeys(PRODUCTS),
    ),
    CALENDAR,
    ticket_terms(POLICY),
)

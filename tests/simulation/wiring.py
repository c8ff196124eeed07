"""What a province is made of (装配): the product's rules, and the places where a fault may be planted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from services.alerts.domain.line import absorb
from services.feedback.domain.rules import TICKETS
from services.orders.domain.rules import order_rules
from shared.kernel.decider import Decider
from shared.runtime.judging import Batch
from tests.simulation.ground import ORDER_TERMS
from tests.simulation.group import Habits
from tests.simulation.lines import Absorb
from tests.simulation.money import KeyOf, by_business_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """The healthy one by default."""

    orders: Decider[Any, Any] = field(default_factory=lambda: order_rules(ORDER_TERMS))
    tickets: Decider[Any, Any] = TICKETS
    batch: type[Batch[Any, Any]] = Batch
    absorb: Absorb = absorb
    invoice_key: KeyOf = by_business_key
    habits: Habits = field(default_factory=Habits)
    relay_checkpoint_first: bool = False
    years_behind_marks: bool = True


HEALTHY = Wiring()

"""What settlement is asked to do (结算指令)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccrueLine:
    """A received line stands to be settled (应付计提). `at` is the receipt's instant (验收时刻).

    `recorded_at` is when the receipt was recorded: an accrual is dated by its cause.
    """

    order_id: str
    receipt_id: str
    order_line_id: str
    hospital_id: str
    payee_id: str
    product_id: str
    quantity: int
    unit_price: int
    at: datetime
    recorded_at: datetime

"""Facts about what the fund owes (医保基金结算的事实)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

LINE_ACCRUED: Final = "jicai.settlement.line_accrued.v1"


class LineAccrued(msgspec.Struct, kw_only=True):
    """A received line stands to be settled (应付计提): once for each receipt line, for ever."""

    receipt_id: str
    order_id: str
    order_line_id: str
    hospital_id: str
    payee_id: str
    product_id: str
    quantity: int
    unit_price: int
    amount_fen: int
    month: str
    at: datetime

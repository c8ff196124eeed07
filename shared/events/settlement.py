"""Facts about what the fund owes (医保基金结算的事实)."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import field

from shared.events.forms import DecimalText, Fen, Instant, TenThousandths

LINE_ACCRUED: Final = "jicai.settlement.line_accrued.v1"


class LineAccrued(msgspec.Struct, kw_only=True):
    """A received line stands to be settled (应付计提): once for each receipt line, for ever."""

    receipt_id: str
    order_id: str
    order_line_id: str
    hospital_id: str
    payee_id: str
    product_id: str
    quantity: TenThousandths = field(name="quantity_e4")
    quantity_text: DecimalText = field(name="quantity")
    unit_price: TenThousandths = field(name="unit_price_e4")
    unit_price_text: DecimalText = field(name="unit_price")
    amount_fen: Fen
    month: str
    at: Instant


FACTS: Final[dict[str, type[msgspec.Struct]]] = {LINE_ACCRUED: LineAccrued}
"""How the fact of each type reads."""

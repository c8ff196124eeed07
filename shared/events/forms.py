"""The forms that members take on the bus: decimals as text, and our integers beside them.

A quantity or a price is a decimal string, as the contract has it; the integer that our own readers
count with stands beside it under a name that ends in `_e4`. The forms say what they are in schemas
only: nothing is checked when a fact is decoded, for we wrote it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

DecimalText = Annotated[
    str,
    msgspec.Meta(
        description="Decimal string, at most 4 decimals; compare as a decimal.",
        extra_json_schema={"pattern": r"^[0-9]+(\.[0-9]{1,4})?$"},
    ),
]
"""A quantity in units or a price in yuan, as it was sent or in its shortest form (数量, 单价)."""

TenThousandths = Annotated[
    int, msgspec.Meta(description="The same as an integer in ten-thousandths.")
]
"""A quantity or a price as an integer (万分之一)."""

Fen = Annotated[int, msgspec.Meta(description="Integer fen.")]
"""An amount (金额, 分)."""

Instant = Annotated[datetime, msgspec.Meta(extra_json_schema={"format": "date-time"})]
"""RFC 3339 in UTC (时刻)."""

Level = Literal["primary", "secondary", "tertiary"]
"""A hospital's level (医院等级)."""

Category = Literal["drug", "consumable"]
"""What kind of product it is (药品或医用耗材)."""

SupplierRole = Literal["main", "backup", "none"]
"""A line's place in a batch (主供、备供、非中选)."""

ProofKind = Literal["signed", "scanned", "carrier"]
"""What shows that goods were handed over (到货凭证类型)."""

InvoiceKind = Literal["sale", "credit"]
"""A sale or a credit invoice (蓝字、红字发票)."""

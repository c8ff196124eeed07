"""The answer sheet (响应表): orders as rows that a distributor fills in and sends back."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Response

from services.orders.domain.order import Order
from shared.runtime.actors import Actor


def answer_sheet(orders: Sequence[Order], actor: Actor, language: str, format: str) -> Response:
    """CSV or XLSX with one row per line that can still be answered."""
    raise NotImplementedError

"""The data of the events in the load, for the raw reference."""

from __future__ import annotations

from typing import Literal

import msgspec


class PlacedLine(msgspec.Struct):
    line_id: str
    product_id: str
    quantity: str
    unit_price: str


class PlacedData(msgspec.Struct):
    order_id: str
    hospital_id: str
    distributor_id: str
    lines: list[PlacedLine]
    back_entered: bool = False


class AnsweredLine(msgspec.Struct):
    line_id: str
    answer: Literal["accepted", "refused"]
    reason_code: str | None = None


class AnsweredData(msgspec.Struct):
    order_id: str
    lines: list[AnsweredLine]


class CancelledData(msgspec.Struct):
    order_id: str
    line_ids: list[str]
    reason: str


class DispatchedLine(msgspec.Struct):
    line_id: str
    quantity: str
    lot_number: str
    expires_on: str


class DispatchedData(msgspec.Struct):
    delivery_id: str
    order_id: str
    lines: list[DispatchedLine]


class Proof(msgspec.Struct):
    kind: Literal["signed", "scanned", "carrier"]
    reference: str


class ArrivedData(msgspec.Struct):
    delivery_id: str
    order_id: str
    proof: Proof


class ReceivedLine(msgspec.Struct):
    line_id: str
    accepted: str
    rejected: str
    reject_reason: str | None = None


class ReceivedData(msgspec.Struct):
    receipt_id: str
    delivery_id: str
    order_id: str
    lines: list[ReceivedLine]

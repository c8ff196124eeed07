"""The data of each event type as JSON writes it (报文格式): shapes only, checked by msgspec."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from shared.events import orders as facts


class Wire(msgspec.Struct):
    """Unknown members are stored and echoed with the sender's bytes, and otherwise ignored."""


class PlacedLine(Wire):
    line_id: str
    product_id: str
    quantity: str
    unit_price: str
    required_by: str | None = None


class Placed(Wire):
    order_id: str
    hospital_id: str
    distributor_id: str
    lines: list[PlacedLine]
    emergency: bool = False
    back_entered: bool = False


class AnsweredLine(Wire):
    line_id: str
    answer: Literal["accepted", "refused"]
    reason_code: str | None = None
    promised_at: str | None = None


class Answered(Wire):
    order_id: str
    lines: list[AnsweredLine] | None = None


class Cancelled(Wire):
    order_id: str
    reason: str
    line_ids: list[str] | None = None


class DispatchedLine(Wire):
    line_id: str
    quantity: str
    lot_number: str
    expires_on: str
    trace_codes: list[str] | None = None


class Dispatched(Wire):
    delivery_id: str
    order_id: str
    lines: list[DispatchedLine]


class Proof(Wire):
    kind: Literal["signed", "scanned", "carrier"]
    reference: str


class Arrived(Wire):
    delivery_id: str
    order_id: str
    proof: Proof | None = None


class ReceivedLine(Wire):
    line_id: str
    accepted: str
    rejected: str
    reject_reason: str | None = None


class Received(Wire):
    receipt_id: str
    delivery_id: str
    order_id: str
    lines: list[ReceivedLine]
    arrived_at: str | None = None


class QuantityLine(Wire):
    line_id: str
    quantity: str


class ReturnRequested(Wire):
    return_id: str
    order_id: str
    receipt_id: str
    lines: list[QuantityLine]
    reason: str


class ReturnAnswered(Wire):
    return_id: str
    order_id: str
    confirmed: bool
    reason: str | None = None


class InvoicedLine(Wire):
    line_id: str
    quantity: str
    unit_price: str


class InvoiceRegistered(Wire):
    invoice_id: str
    invoice_number: str
    order_id: str
    receipt_id: str
    lines: list[InvoicedLine]
    kind: Literal["sale", "credit"]
    return_id: str | None = None


class Envelope(msgspec.Struct):
    """A CloudEvent; `data` is kept as its bytes and decoded by type."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    time: str
    data: msgspec.Raw
    subject: str | None = None
    datacontenttype: str | None = None
    traceparent: str | None = None


SHAPES: Final[dict[str, type[Wire]]] = {
    facts.PLACED: Placed,
    facts.ANSWERED: Answered,
    facts.CANCELLED: Cancelled,
    facts.DISPATCHED: Dispatched,
    facts.ARRIVED: Arrived,
    facts.RECEIVED: Received,
    facts.RETURN_REQUESTED: ReturnRequested,
    facts.RETURN_ANSWERED: ReturnAnswered,
    facts.INVOICE_REGISTERED: InvoiceRegistered,
}

_DECODERS: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    type_: msgspec.json.Decoder(shape) for type_, shape in SHAPES.items()
}


def decode_data(type_: str, data: bytes) -> Any:
    """The data of one event; KeyError for an unknown type, msgspec.ValidationError for a bad shape."""
    return _DECODERS[type_].decode(data)

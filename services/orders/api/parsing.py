"""From shapes to commands (报文解析): ids, quantities and instants are checked here, once."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final

from services.orders import commands as c
from services.orders.api import wire as w
from shared.kernel.clock import parse_instant
from shared.kernel.codes import is_hospital_id, is_uscc
from shared.kernel.errors import Refusal, malformed
from shared.kernel.quantity import parse_price, parse_quantity

ID_MAX = 128
LINES_MAX = 1000

# A path id that begins with a hospital's.
_ORDER_ID: Final = re.compile(r"H[0-9]{11}-[A-Za-z0-9._-]{0,51}").fullmatch

# Few texts stand for most quantities and prices: remembering beats reading.
_known_quantity = lru_cache(maxsize=32_768)(parse_quantity)
_known_price = lru_cache(maxsize=32_768)(parse_price)


def parse(shape: Any) -> c.OrderCommand:
    """The command behind a well-shaped body; a malformed Refusal with its pointer otherwise."""
    return _PARSERS[type(shape)](shape)


def _placed(s: w.Placed) -> c.PlaceOrder:
    hospital_id = s.hospital_id
    if not is_hospital_id(hospital_id):
        raise _bad(["hospital_id"], "应为 H 加 11 位数字", "expected H and 11 digits")
    _order_id(s.order_id, hospital_id)
    if not is_uscc(s.distributor_id):
        raise _bad(
            ["distributor_id"],
            "应为 18 位统一社会信用代码, 且校验码正确",
            "expected an 18-character USCC with its check character",
        )
    _no_repeats([x.line_id for x in s.lines], "lines")
    return c.PlaceOrder(
        s.order_id, hospital_id, s.distributor_id, s.emergency, s.back_entered,
        [
            c.OrderedLine(
                _id(x.line_id, "lines", n, "line_id"),
                _id(x.product_id, "lines", n, "product_id"),
                _quantity(x.quantity, "lines", n, "quantity"),
                x.quantity,
                _price(x.unit_price, "lines", n, "unit_price"),
                x.unit_price,
                _instant(x.required_by, "lines", n, "required_by"),
            )
            for n, x in enumerate(s.lines)
        ],
    )  # fmt: skip


def _answered(s: w.Answered) -> c.AnswerOrder:
    _order_id(s.order_id)
    if s.lines is None:
        return c.AnswerOrder(s.order_id, None)
    _no_repeats([x.line_id for x in s.lines], "lines")
    return c.AnswerOrder(
        s.order_id,
        [
            c.LineAnswer(
                _id(x.line_id, "lines", n, "line_id"),
                x.answer == "accepted",
                x.reason_code,
                _instant(x.promised_at, "lines", n, "promised_at"),
            )
            for n, x in enumerate(s.lines)
        ],
    )


def _cancelled(s: w.Cancelled) -> c.CancelOrder:
    _order_id(s.order_id)
    if s.line_ids is not None:
        _no_repeats(s.line_ids, "line_ids")
    return c.CancelOrder(s.order_id, s.line_ids, s.reason)


def _dispatched(s: w.Dispatched) -> c.DispatchDelivery:
    _order_id(s.order_id)
    # A line may stand twice for two lots, the same lot of it may not.
    _no_repeats([(x.line_id, x.lot_number) for x in s.lines], "lines")
    return c.DispatchDelivery(
        _id(s.delivery_id, "delivery_id"),
        s.order_id,
        [
            c.LotLine(
                _id(x.line_id, "lines", n, "line_id"),
                _quantity(x.quantity, "lines", n, "quantity"),
                _id(x.lot_number, "lines", n, "lot_number"),
                _day(x.expires_on, "lines", n, "expires_on"),
                x.trace_codes or [],
            )
            for n, x in enumerate(s.lines)
        ],
    )


def _arrived(s: w.Arrived) -> c.ReportArrival:
    _order_id(s.order_id)
    proof = s.proof
    return c.ReportArrival(
        _id(s.delivery_id, "delivery_id"),
        s.order_id,
        None if proof is None else proof.kind,
        None if proof is None else _id(proof.reference, "proof/reference", longest=1024),
    )


def _received(s: w.Received) -> c.ReceiveDelivery:
    _order_id(s.order_id)
    _no_repeats([x.line_id for x in s.lines], "lines")
    return c.ReceiveDelivery(
        _id(s.receipt_id, "receipt_id"),
        _id(s.delivery_id, "delivery_id"),
        s.order_id,
        _instant(s.arrived_at, "arrived_at"),
        [
            c.LineReceipt(
                _id(x.line_id, "lines", n, "line_id"),
                _quantity_or_zero(x.accepted, "lines", n, "accepted"),
                _quantity_or_zero(x.rejected, "lines", n, "rejected"),
                x.reject_reason,
            )
            for n, x in enumerate(s.lines)
        ],
    )


def _return_requested(s: w.ReturnRequested) -> c.RequestReturn:
    _order_id(s.order_id)
    _no_repeats([x.line_id for x in s.lines], "lines")
    return c.RequestReturn(
        _id(s.return_id, "return_id"), s.order_id, _id(s.receipt_id, "receipt_id"),
        [
            c.QuantityLine(
                _id(x.line_id, "lines", n, "line_id"), _quantity(x.quantity, "lines", n, "quantity")
            )
            for n, x in enumerate(s.lines)
        ],
        s.reason,
    )  # fmt: skip


def _return_answered(s: w.ReturnAnswered) -> c.AnswerReturn:
    _order_id(s.order_id)
    return c.AnswerReturn(_id(s.return_id, "return_id"), s.order_id, s.confirmed, s.reason)


def _invoiced(s: w.InvoiceRegistered) -> c.RegisterInvoice:
    _order_id(s.order_id)
    _no_repeats([x.line_id for x in s.lines], "lines")
    if s.return_id is not None:
        _id(s.return_id, "return_id")
    return c.RegisterInvoice(
        _id(s.invoice_id, "invoice_id"), _id(s.invoice_number, "invoice_number"), s.order_id,
        _id(s.receipt_id, "receipt_id"),
        [
            c.InvoicedLine(
                _id(x.line_id, "lines", n, "line_id"),
                _quantity(x.quantity, "lines", n, "quantity"),
                _price(x.unit_price, "lines", n, "unit_price"),
            )
            for n, x in enumerate(s.lines)
        ],
        s.kind, s.return_id,
    )  # fmt: skip


_PARSERS: Final[dict[type[w.Wire], Callable[[Any], c.OrderCommand]]] = {
    w.Placed: _placed,
    w.Answered: _answered,
    w.Cancelled: _cancelled,
    w.Dispatched: _dispatched,
    w.Arrived: _arrived,
    w.Received: _received,
    w.ReturnRequested: _return_requested,
    w.ReturnAnswered: _return_answered,
    w.InvoiceRegistered: _invoiced,
}


def _bad(where: Sequence[str | int], zh: str, en: str) -> Refusal:
    path = "/".join(map(str, where))
    return malformed(f"{path}: {zh}", f"{path}: {en}", f"/data/{path}")


def _order_id(order_id: str, hospital_id: str | None = None) -> None:
    if not _ORDER_ID(order_id):
        raise _bad(
            ["order_id"],
            "应以医疗机构代码加连字符开头, 如 H36010200001-2026-000123",
            "begins with the hospital's id and a hyphen, e.g. H36010200001-2026-000123",
        )
    if hospital_id is not None and order_id[:12] != hospital_id:
        raise _bad(
            ["order_id"], "应以本订单医疗机构的代码开头", "begins with this order's hospital_id"
        )


# `where` is the path to a value in pieces: it is put together only when something is wrong there.
def _id(value: str, *where: str | int, longest: int = ID_MAX) -> str:
    if not 0 < len(value) <= longest:
        raise _bad(where, f"长度应为 1 至 {longest}", f"expected 1 to {longest} characters")
    return value


def _quantity(text: str, *where: str | int) -> int:
    try:
        return _known_quantity(text)
    except ValueError:
        raise _bad(
            where,
            "应为十进制数字串, 至多 4 位小数, 且大于 0",
            "expected a decimal string, at most 4 decimals, above 0",
        ) from None


def _quantity_or_zero(text: str, *where: str | int) -> int:
    try:
        return _known_price(text)
    except ValueError:
        raise _bad(
            where,
            "应为十进制数字串, 至多 4 位小数",
            "expected a decimal string, at most 4 decimals",
        ) from None


def _price(text: str, *where: str | int) -> int:
    try:
        return _known_price(text)
    except ValueError:
        raise _bad(
            where, "应为以元计的十进制数字串, 至多 4 位小数", "expected yuan, at most 4 decimals"
        ) from None


def _instant(text: str | None, *where: str | int) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_instant(text)
    except ValueError:
        raise _bad(
            where,
            "应为 RFC 3339 或 yyyy-MM-dd HH:mm:ss 格式的时间",
            "expected RFC 3339 or yyyy-MM-dd HH:mm:ss",
        ) from None


def _day(text: str, *where: str | int) -> str:
    try:
        if len(text) != 10:
            raise ValueError(text)
        date.fromisoformat(text)
    except ValueError:
        raise _bad(where, "应为 yyyy-MM-dd 格式的日期", "expected a date yyyy-MM-dd") from None
    return text


def _no_repeats(ids: Sequence[Hashable], where: str) -> None:
    if not ids:
        raise _bad([where], "至少要有一条", "names at least one")
    if len(ids) > LINES_MAX:
        raise _bad([where], f"至多 {LINES_MAX} 条", f"at most {LINES_MAX}")
    if len(set(ids)) != len(ids):
        raise _bad([where], "同一明细出现两次", "the same line stands twice")

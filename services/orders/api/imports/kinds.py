"""The table of sheets (导入表目录): every kind, its columns, what people may head them with.

`docs/import.md` is written from this table.
"""

from __future__ import annotations

from typing import Final

from services.orders.api.imports import words as w
from services.orders.api.imports.cells import (
    by_day,
    day,
    instant,
    many_of,
    number,
    one_of,
    parts,
    text,
    whole,
    yes_or_no,
)
from services.orders.api.imports.columns import OCCURRED_AT, Column, Kind, Place, Shape
from shared.events import orders as facts

KEY, HEAD, NOTE = Place.KEY, Place.HEAD, Place.NOTE


def _id(zh: str, *also: str) -> Column:
    return Column("id", zh, place=KEY, also=also)


def _time(*also: str) -> Column:
    return Column(OCCURRED_AT, "发生时间", instant, HEAD, needed=False, also=("time", *also))


_ORDER = Column("order_id", "订单编号", place=KEY, also=("订单号", "采购订单编号"))
_LINE = Column("line_id", "明细编号", also=("订单明细编号", "明细号", "行号"))
_PRODUCT = Column("product_id", "产品编号", also=("产品代码", "药品编码", "耗材编码"))
_HOSPITAL = Column(
    "hospital_id", "医疗机构代码", place=HEAD, also=("医疗机构编号", "医院编号", "医院代码")
)
_DISTRIBUTOR = Column("distributor_id", "配送企业代码", place=HEAD, also=("配送企业编号",))
_BATCH = Column("batch_id", "批次编号", place=HEAD)
_GENERIC = Column("generic_name", "通用名", place=HEAD, also=("通用名称",))
_QUANTITY = Column("quantity", "数量", number)
_PRICE = Column("unit_price", "单价", number, also=("采购单价", "价格"))
_DELIVERY = Column("delivery_id", "配送单号", place=KEY, also=("配送单编号", "随货同行单号"))
_RECEIPT = Column("receipt_id", "验收单号", place=HEAD, also=("验收单编号", "入库单号"))
_RETURN = Column("return_id", "退货单号", place=KEY, also=("退货单编号",))


def _head(column: Column) -> Column:
    return Column(column.name, column.zh, column.read, HEAD, column.needed, column.also)


def _noted(name: str, zh: str, *also: str) -> Column:
    return Column(name, zh, place=NOTE, needed=False, also=also)


REGISTERS: Final = (
    Kind("organisations", "机构", register="organisation", columns=(
        _id("机构编号", "机构代码", "统一社会信用代码", "organisation_id"),
        Column("kinds", "机构类型", many_of(w.ORGANISATIONS), HEAD, also=("类型",)),
        Column("name", "机构名称", place=HEAD, also=("名称",)),
        Column("division", "行政区划", place=HEAD, also=("区划代码", "行政区划代码", "区划")),
        Column("level", "机构等级", one_of(w.LEVELS), HEAD, False, ("等级", "医院等级")),
        Column("remote", "偏远地区", yes_or_no, HEAD, False, ("偏远", "是否偏远")),
    )),
    Kind("products", "产品", register="product", columns=(
        _id("产品编号", "产品代码", "药品编码", "耗材编码", "product_id"),
        Column("name", "产品名称", place=HEAD, also=("名称",)),
        _GENERIC,
        Column("category", "类别", one_of(w.CATEGORIES), HEAD, also=("产品类别",)),
        Column("manufacturer_id", "生产企业代码", place=HEAD, also=("生产企业编号",)),
        Column("unit", "单位", place=HEAD, also=("计量单位",)),
        Column("units_per_pack", "包装数量", whole, HEAD, also=("转换比", "每包装数量")),
        Column("passed_evaluation", "通过一致性评价", yes_or_no, HEAD, False, ("一致性评价",)),
    )),
    Kind("batches", "批次", register="batch", shape=Shape.BATCH, columns=(
        _id("批次编号", "batch_id"),
        Column("name", "批次名称", place=HEAD, also=("名称",)),
        Column("organiser", "组织方", one_of(w.ORGANISERS), HEAD, also=("组织层级",)),
        Column("published_on", "公布日期", day, HEAD, also=("发布日期",)),
        Column("effective_on", "执行日期", day, HEAD, also=("生效日期",)),
        Column("ends_on", "截止日期", day, HEAD, also=("结束日期",)),
        Column("role", "供应角色", one_of(w.SUPPLY_ROLES), also=("主供备供",)),
        _PRODUCT,
        Column("divisions", "供应区域", parts, also=("供应地区",)),
        Column("selected_price", "中选价", number, needed=False, also=("中选价格",)),
        Column("non_selected_limit_percent", "非中选限量百分比", whole, HEAD, False),
    )),
    Kind("agreements", "购销协议", register="agreement", columns=(
        _id("协议编号", "agreement_id"), _BATCH, _HOSPITAL, _head(_PRODUCT), _DISTRIBUTOR,
        Column("agreed_quantity", "约定采购量", number, HEAD, also=("协议量", "约定量")),
        Column("from", "协议开始日期", day, HEAD, False, ("开始日期",)),
        Column("to", "协议结束日期", day, HEAD, False, ("结束日期", "截止日期")),
        Column("signed_hospital", "医疗机构签订日期", day, HEAD, False, to="signed.hospital"),
        Column("signed_manufacturer", "生产企业签订日期", day, HEAD, False, to="signed.manufacturer"),
        Column("signed_distributor", "配送企业签订日期", day, HEAD, False, to="signed.distributor"),
    )),
    Kind("listings", "挂网", register="listing", columns=(
        Column("product_id", "产品编号", place=KEY, also=(*_PRODUCT.also, "id")),
        Column("listed_price", "挂网价", number, HEAD, also=("挂网价格",)),
        Column("ceiling_price", "最高限价", number, HEAD, False, ("最高有效申报价",)),
        Column("status", "挂网状态", one_of(w.LISTING_STATES), HEAD, also=("状态",)),
    )),
    Kind("demand-reports", "报量", register="demand-report", columns=(
        _id("报量编号", "report_id"), _BATCH, _HOSPITAL, _GENERIC,
        Column("reported_quantity", "报量", number, HEAD, also=("报送需求量", "需求量")),
        Column("last_year_quantity", "上年采购量", number, HEAD, also=("上年度采购量",)),
        Column("signed_off_by", "审核人", place=HEAD, also=("签字人",)),
        Column("explanation", "说明", place=HEAD, needed=False),
    )),
)  # fmt: skip
"""Sheets of the six registers; the province and importers may send them."""

ANSWERS: Final = Kind(
    "answers", "订单响应", event_type=facts.ANSWERED, shape=Shape.LINES, answer="answer", columns=(
        _ORDER, _LINE,
        _noted("hospital_id", "医疗机构代码"), _noted("hospital_name", "医疗机构"),
        _noted("product_id", "产品编号"), _noted("product_name", "产品名称"),
        _noted("quantity", "数量"), _noted("unit_price", "单价"),
        _noted("sent_at", "下单时间"), _noted("answer_due", "响应截止时间"),
        _noted("delivery_due", "到货截止时间"),
        Column("answer", "响应结果", one_of(w.ANSWERS), also=("响应", "是否接受", "响应意见")),
        Column("promised_at", "承诺到货日", by_day, needed=False,
               also=("承诺到货日期", "承诺日期", "promised_day")),
        Column("reason_code", "拒绝原因", one_of(w.REFUSAL_REASONS, open_=True), needed=False,
               also=("拒单原因", "原因", "refusal_reason")),
        _time("响应时间"),
    ),
)  # fmt: skip

EVENTS: Final = (
    Kind("orders", "采购订单", event_type=facts.PLACED, shape=Shape.LINES, columns=(
        _ORDER, _HOSPITAL, _DISTRIBUTOR,
        Column("emergency", "急救", yes_or_no, HEAD, False, ("紧急", "是否急救", "是否紧急")),
        Column("back_entered", "补录", yes_or_no, HEAD, False, ("是否补录",)),
        _LINE, _PRODUCT, _QUANTITY, _PRICE,
        Column("required_by", "要求到货日", by_day, needed=False, also=("要求到货日期", "要求到货时间")),
        _time("下单时间"),
    )),
    ANSWERS,
    Kind("cancellations", "订单撤销", event_type=facts.CANCELLED, shape=Shape.LINE_IDS, columns=(
        _ORDER,
        Column("line_id", "明细编号", needed=False, also=_LINE.also),
        Column("reason", "撤销原因", place=HEAD, also=("撤单原因", "原因")),
        _time("撤销时间"),
    )),
    Kind("dispatches", "发货", event_type=facts.DISPATCHED, shape=Shape.LINES, columns=(
        _DELIVERY, _ORDER, _LINE,
        Column("quantity", "发货数量", number, also=("数量", "配送数量")),
        Column("lot_number", "批号", also=("生产批号", "产品批号")),
        Column("expires_on", "有效期至", day, also=("有效期", "失效日期", "效期")),
        Column("trace_codes", "追溯码", parts, needed=False),
        _time("发货时间"),
    )),
    Kind("arrivals", "到货", event_type=facts.ARRIVED, columns=(
        _DELIVERY, _ORDER,
        Column("proof_kind", "凭证类型", one_of(w.PROOFS), HEAD, False, to="proof.kind"),
        Column("proof_reference", "凭证编号", text, HEAD, False, ("凭证号",), "proof.reference"),
        _time("到货时间", "送达时间"),
    )),
    Kind("receipts", "验收", event_type=facts.RECEIVED, shape=Shape.LINES, columns=(
        Column("receipt_id", "验收单号", place=KEY, also=_RECEIPT.also),
        _head(_DELIVERY), _ORDER,
        Column("arrived_at", "到货时间", instant, HEAD, False, ("送达时间",)),
        _LINE,
        Column("accepted", "合格数量", number, also=("验收数量", "验收合格数量")),
        Column("rejected", "拒收数量", number, also=("不合格数量",), empty="0"),
        Column("reject_reason", "拒收原因", one_of(w.REJECT_REASONS, open_=True), needed=False),
        _time("验收时间"),
    )),
    Kind("returns", "退货申请", event_type=facts.RETURN_REQUESTED, shape=Shape.LINES, columns=(
        _RETURN, _ORDER, _RECEIPT, _LINE,
        Column("quantity", "退货数量", number, also=("数量",)),
        Column("reason", "退货原因", place=HEAD, also=("原因",)),
        _time("退货时间", "申请时间"),
    )),
    Kind("return-answers", "退货答复", event_type=facts.RETURN_ANSWERED, columns=(
        _RETURN, _ORDER,
        Column("confirmed", "是否同意退货", yes_or_no, HEAD, also=("是否同意", "同意退货")),
        Column("reason", "答复说明", place=HEAD, needed=False, also=("说明", "原因")),
        _time("答复时间"),
    )),
    Kind("invoices", "发票", event_type=facts.INVOICE_REGISTERED, shape=Shape.LINES, columns=(
        Column("invoice_id", "发票编号", place=KEY),
        Column("invoice_number", "发票号码", place=HEAD, also=("发票号",)),
        _ORDER, _RECEIPT, _LINE,
        Column("quantity", "开票数量", number, also=("数量",)),
        Column("unit_price", "开票单价", number, also=("单价", "价格")),
        Column("kind", "发票类型", one_of(w.INVOICE_KINDS), HEAD, also=("票种",)),
        Column("return_id", "退货单号", place=HEAD, needed=False, also=_RETURN.also),
        _time("开票时间", "开票日期"),
    )),
)  # fmt: skip
"""Sheets of the nine event types."""

KINDS: Final = (*REGISTERS, *EVENTS)

BY_NAME: Final = {kind.name: kind for kind in KINDS} | {kind.event_type: kind for kind in EVENTS}
"""What `?kind=` may say: the name of a sheet, or an event type."""

"""The stable codes of section 3 with their words (拒绝代码): what happened and what to do."""

from __future__ import annotations

from shared.kernel.errors import Refusal


def not_yours(zh: str, en: str, pointer: str) -> Refusal:
    """The event is not this sender's to send (无权发送)."""
    return Refusal("not_yours", zh, en, pointer=pointer)


def unknown(kind: str, value: str, pointer: str, *, retryable: bool = False) -> Refusal:
    """Something the event refers to is not known here (引用不存在)."""
    names = {
        "hospital": "医疗机构", "distributor": "配送企业", "product": "产品", "order": "订单",
        "delivery": "配送单", "receipt": "验收单", "return": "退货单",
    }  # fmt: skip
    later = "; 对方可能尚未上报, 请稍后重发" if retryable else "; 请先登记"
    later_en = (
        "; the other side may not have posted yet, try again"
        if retryable
        else "; register it first"
    )
    return Refusal(
        f"unknown_{kind}",
        f"{names[kind]} {value} 不存在{later}",
        f"{kind} {value} is not known{later_en}",
        pointer=pointer,
        retryable=retryable,
    )


_WORDS: dict[str, tuple[str, str]] = {
    "order_exists": ("订单编号已使用", "this order exists"),
    "already_exists": ("该编号在本订单中已使用", "this id was used before in this order"),
    "already_arrived": ("该配送单已报到货", "the arrival of this delivery is recorded"),
    "already_received": ("该配送单已验收", "this delivery has been received"),
    "unknown_line": ("订单中没有这一明细", "the order has no such line"),
    "line_cancelled": ("该明细已撤销", "the line was cancelled"),
    "line_void": ("该明细因超期未发货已作废", "the line became void: nobody dispatched it in time"),
    "already_answered": ("已经响应过, 第一次响应有效", "answered already; the first answer stands"),
    "already_cancelled": ("该明细已经撤销", "the line was cancelled before"),
    "already_dispatched": ("该明细已发货, 不能撤销", "the line was dispatched and cannot be cancelled"),
    "product_suspended": ("该产品已暂停挂网或撤网", "the product's listing is suspended or delisted"),
    "quantity_mismatch": (
        "验收必须逐条列出该配送单的全部明细, 且合格与拒收之和等于发货数量",
        "a receipt names every line of its delivery, accepted + rejected = dispatched",
    ),
    "return_exceeds_receipt": ("退货数量超过验收合格数量", "more goes back than was accepted"),
    "nothing_to_cancel": ("没有可以撤销的明细", "no line can be cancelled any more"),
    "occurred_in_future": ("发生时间晚于当前时间 5 分钟以上; 请校准时钟", "time lies more than 5 minutes ahead; check your clock"),
    "required_by_in_past": ("要求到货时间早于下单时间", "required_by lies before the order's time"),
}  # fmt: skip


def refused(code: str, pointer: str) -> Refusal:
    """A refusal whose words stand in the table above."""
    zh, en = _WORDS[code]
    return Refusal(code, zh, en, pointer=pointer)

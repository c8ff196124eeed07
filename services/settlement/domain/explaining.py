"""A retained surplus told line by line (结余留用测算说明): what a hospital can follow with a pencil.

Every line names its numbers as they were reckoned with. Sums are exact until they are written, so a
line's amounts are rounded for themselves and may differ by a fen from what one adds up by hand.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from shared.events.settlement import RetainedVariety, RetentionCalculated
from shared.kernel.quantity import parse_quantity

NATURE: Final = (
    "结余留用资金: 集采节约的医保基金按考核结果由医疗机构留用的部分, 主要用于提升医务人员薪酬待遇",
    "Retained surplus: the part of the fund's savings that a hospital keeps by its assessment, "
    "mainly for the pay of its staff",
)
EXACTNESS: Final = (
    "各步按精确值计算, 每项金额单独四舍五入到分",
    "Each step is reckoned exactly; each amount is rounded half up to the fen by itself",
)

_NAMES: Final = {
    "reported_quantity": ("报量", "reported quantity", "报量登记", "demand reports"),
    "agreed_quantity": ("约定采购量", "agreed quantity", "协议登记", "agreements"),
    "selected_quantity": ("中选产品用量", "selected quantity", "验收入库", "receipts"),
    "selected_price": ("中选价", "selected price", "批次登记", "the batch"),
    "non_selected": ("非中选产品用量", "non-selected quantity", "验收入库", "receipts"),
    "accuracy": ("报量精准度", "accuracy", "实际用量与报量之比", "use over report"),
}


class Line(NamedTuple):
    """One step of the calculation in both languages (测算步骤)."""

    step: str
    zh: str
    en: str


def explained(variety: RetainedVariety, result: RetentionCalculated) -> list[Line]:
    """The steps of one variety, from what was reported to what is retained."""
    lines = [*_sources(variety), _budget(variety, result), _counted(variety)]
    lines += [_spend(variety, result), _base(variety)]
    return [*lines, _assessment(variety, result), _retained(variety, result)]


def total(result: RetentionCalculated) -> Line:
    """The sum of the varieties, each rounded before (合计)."""
    parts = " + ".join(yuan(variety.retained_fen) for variety in result.varieties)
    whole = yuan(result.retained_fen)
    return Line("total", f"合计留用 = {parts} = {whole} 元", f"retained in all = {parts} = {whole}")


def yuan(fen: int) -> str:
    """Fen as yuan with two decimals (元)."""
    return f"{fen // 100}.{fen % 100:02d}"


def _sources(variety: RetainedVariety) -> list[Line]:
    """Which figures nobody stated, and where each was found (数据来源)."""
    return [
        Line(
            f"source_{member}",
            f"{zh}未填报, 取自{found_zh}",
            f"the {en} was not stated: it comes from {found_en}",
        )
        for member, (zh, en, found_zh, found_en) in _NAMES.items()
        if member in variety.drawn
    ]


def _budget(variety: RetainedVariety, result: RetentionCalculated) -> Line:
    price, shares = _price(variety.pre_price), f"{result.fund_ratio} × {result.insured_share}"
    sum_ = f"{variety.reported_quantity} × {price} × {shares} = {yuan(variety.budget_fen)}"
    return Line(
        "budget",
        f"预算 = 报量 × 集采前加权平均价 × 基金支付比例 × 参保患者占比 = {sum_} 元",
        f"budget = reported × price before × fund ratio × insured share = {sum_}",
    )


def _counted(variety: RetainedVariety) -> Line:
    counted, selected = variety.counted_quantity, variety.selected_quantity
    agreed = variety.agreed_quantity
    return Line(
        "counted",
        f"计入支出的中选用量 = 使用 {selected} 与约定 {agreed} 中较小者 = {counted}",
        f"selected use that counts = the smaller of used {selected} and agreed {agreed} = {counted}",
    )


def _spend(variety: RetainedVariety, result: RetentionCalculated) -> Line:
    parts = [f"{variety.counted_quantity} × {_price(variety.selected_price)}"]
    parts += [f"{use.quantity} × {use.price}" for use in variety.non_selected]
    shares = f"{result.fund_ratio} × {result.insured_share}"
    sum_ = f"({' + '.join(parts)}) × {shares} = {yuan(variety.spend_fen)}"
    return Line(
        "spend",
        f"支出 = (中选用量 × 中选价 + 各非中选用量 × 其价格) × 基金支付比例 × 参保患者占比 = {sum_} 元",
        "spend = (selected use × selected price + each non-selected use × its price) × fund ratio "
        f"× insured share = {sum_}",
    )


def _base(variety: RetainedVariety) -> Line:
    sum_ = f"{yuan(variety.budget_fen)} − {yuan(variety.spend_fen)}"
    base = yuan(variety.base_fen)
    return Line(
        "base",
        f"结余基数 = 预算 − 支出, 不足 0 按 0 = {sum_} → {base} 元",
        f"base = budget − spend, nothing below 0 = {sum_} → {base}",
    )


def _assessment(variety: RetainedVariety, result: RetentionCalculated) -> Line:
    grade_zh = f", 考核等次 {result.grade}" if result.grade else ""
    grade_en = f", grade {result.grade}" if result.grade else ""
    return Line(
        "factors",
        f"考核留用比例 {result.assessment}{grade_zh}; 报量精准度系数 {variety.accuracy}",
        f"assessment {result.assessment}{grade_en}; accuracy {variety.accuracy}",
    )


def _retained(variety: RetainedVariety, result: RetentionCalculated) -> Line:
    if not parse_quantity(variety.reported_quantity, zero=True):
        return Line(
            "retained", "未报量的品种不予拨付: 0.00 元", "not reported, so nothing is paid: 0.00"
        )
    factors = f"{result.assessment} × {variety.accuracy}"
    sum_ = f"{yuan(variety.base_fen)} × {factors} = {yuan(variety.retained_fen)}"
    return Line(
        "retained",
        f"留用 = 结余基数 × 考核留用比例 × 报量精准度系数 = {sum_} 元",
        f"retained = base × assessment × accuracy = {sum_}",
    )


def _price(text: str | None) -> str:
    """A price that counts nowhere was perhaps never known."""
    return text or "0"

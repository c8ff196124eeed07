"""What people write for coded values (代码用语): Chinese words for the contract's codes."""

from __future__ import annotations

from typing import Final

ORGANISATIONS: Final = {
    "医疗机构": "hospital", "医院": "hospital", "配送企业": "distributor", "生产企业": "manufacturer",
}  # fmt: skip
LEVELS: Final = {
    "一级": "primary", "基层": "primary", "二级": "secondary", "三级": "tertiary",
}  # fmt: skip
CATEGORIES: Final = {"药品": "drug", "耗材": "consumable", "医用耗材": "consumable"}
ORGANISERS: Final = {
    "国家": "national", "联盟": "alliance", "省级": "province", "省": "province",
    "市级": "city", "市": "city",
}  # fmt: skip
SUPPLY_ROLES: Final = {"主供": "main", "备供": "backup"}
LISTING_STATES: Final = {
    "挂网": "listed", "正常": "listed", "暂停": "suspended", "暂停挂网": "suspended",
    "撤网": "delisted",
}  # fmt: skip
ANSWERS: Final = {
    "接受": "accepted", "同意": "accepted", "接单": "accepted", "响应": "accepted",
    "是": "accepted", "accept": "accepted", "yes": "accepted", "y": "accepted", "1": "accepted",
    "拒绝": "refused", "拒单": "refused", "不同意": "refused", "否": "refused",
    "refuse": "refused", "reject": "refused", "rejected": "refused", "no": "refused",
    "n": "refused", "0": "refused",
}  # fmt: skip
REFUSAL_REASONS: Final = {
    "暂停挂网": "product_suspended", "未签协议": "no_agreement", "无协议": "no_agreement",
    "产品有误": "wrong_product", "产品错误": "wrong_product", "医疗机构要求": "hospital_request",
    "医院要求": "hospital_request", "缺货": "out_of_stock", "无货": "out_of_stock",
    "路途过远": "too_far", "订单量过小": "order_too_small",
}  # fmt: skip
PROOFS: Final = {
    "签收": "signed", "签收单": "signed", "扫码": "scanned", "承运": "carrier",
    "承运单": "carrier", "物流单": "carrier",
}  # fmt: skip
REJECT_REASONS: Final = {
    "不再需要": "no_longer_needed", "医疗机构要求": "hospital_request",
    "医院要求": "hospital_request", "破损": "damaged", "近效期": "near_expiry",
    "产品有误": "wrong_product", "产品错误": "wrong_product", "温度不符": "temperature",
}  # fmt: skip
INVOICE_KINDS: Final = {
    "销售": "sale", "蓝字": "sale", "蓝票": "sale", "红字": "credit", "红票": "credit",
    "冲销": "credit",
}  # fmt: skip

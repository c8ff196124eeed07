"""What is bought: products, two batches (批次) with main and backup suppliers, agreements, listings.

Generic names (通用名) are real, brands are not. A product stands as `main` (主供), `backup` (备供)
or outside the batch; one backup product is suspended (暂停采购), so that orders for it are refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from jicai.province.companies import Distributor, manufacturers, supplier_of
from jicai.province.places import PROVINCE, Hospital

Standing = Literal["main", "backup", "none"]
Resource = tuple[str, dict[str, Any]]
AGREED_PACKS = {"tertiary": 2_000, "secondary": 600, "primary": 80}
"""Agreed packs a year of a cheap medicine, by level."""


@dataclass(frozen=True, slots=True)
class Product:
    id: str
    generic_name: str
    specification: str
    unit: str
    units_per_pack: int
    price: str
    maker: int
    standing: Standing
    suspended: bool = False

    @property
    def category(self) -> str:
        return "consumable" if self.id.startswith("C") else "drug"

    @property
    def batch_id(self) -> str:
        return "JX-2025-HC" if self.category == "consumable" else "JX-2025-YP"

    @property
    def implant(self) -> bool:
        """Implants are bought by the piece, and not by township centres."""
        return self.category == "consumable" and Decimal(self.price) > 100


def products() -> list[Product]:
    return [
        Product(f"{kind}{number:03d}", *row)  # type: ignore[arg-type]
        for kind, rows in (("D", DRUGS), ("C", CONSUMABLES))
        for number, row in enumerate(rows, start=1)
    ]


def catalogue_resources(hospitals: list[Hospital], sellers: list[Distributor]) -> list[Resource]:
    """Products, batches, agreements, listings: in the order in which they refer to each other."""
    known = products()
    found: list[Resource] = [_product(product) for product in known]
    found += [_batch(*words, known) for words in BATCHES]
    found += [_listing(product) for product in known]
    found += [
        _agreement(hospital, product, sellers)
        for hospital in hospitals
        for product in known
        if product.standing == "main" and buys(hospital, product)
    ]
    return found


def buys(hospital: Hospital, product: Product) -> bool:
    return not (product.implant and hospital.level == "primary")


def _product(product: Product) -> Resource:
    maker_id, _, _ = manufacturers()[product.maker]
    return f"/orders/v1/products/{product.id}", {
        "name": f"{product.generic_name} {product.specification}",
        "generic_name": product.generic_name,
        "category": product.category,
        "manufacturer_id": maker_id,
        "unit": product.unit,
        "units_per_pack": product.units_per_pack,
        "passed_evaluation": True,
    }


def _batch(
    batch_id: str, name: str, organiser: str, begins: date, ends: date, known: list[Product]
) -> Resource:
    mine = [p for p in known if p.batch_id == batch_id]
    return f"/orders/v1/batches/{batch_id}", {
        "name": name,
        "organiser": organiser,
        "published_on": begins.replace(month=begins.month - 2).isoformat(),
        "effective_on": begins.isoformat(),
        "ends_on": ends.isoformat(),
        "main": [
            {"product_id": p.id, "divisions": [PROVINCE], "selected_price": p.price}
            for p in mine
            if p.standing == "main"
        ],
        "backup": [
            {"product_id": p.id, "divisions": [PROVINCE]} for p in mine if p.standing == "backup"
        ],
    }


def _agreement(hospital: Hospital, product: Product, sellers: list[Distributor]) -> Resource:
    share = AGREED_PACKS[hospital.level]
    agreed = max(share // 40, 2) if product.implant else share
    return f"/orders/v1/agreements/{product.batch_id}-{hospital.id}-{product.id}", {
        "batch_id": product.batch_id,
        "hospital_id": hospital.id,
        "product_id": product.id,
        "distributor_id": supplier_of(hospital, product.id, sellers).id,
        "agreed_quantity": str(agreed),
        "signed": {"hospital": "2025-06-20", "manufacturer": "2025-06-18"},
    }


def _listing(product: Product) -> Resource:
    status = "suspended" if product.suspended else "listed"
    return f"/orders/v1/listings/{product.id}", {"listed_price": product.price, "status": status}


BATCHES = (
    ("JX-2025-YP", "2025年药品集中带量采购批次(模拟)", "province",
     date(2025, 7, 1), date(2026, 6, 30)),
    ("JX-2025-HC", "2025年省际联盟医用耗材集中带量采购批次(模拟)", "alliance",
     date(2025, 7, 1), date(2026, 6, 30)),
)  # fmt: skip
DRUGS = (
    ("阿托伐他汀钙片", "20mg×28片", "盒", 28, "3.84", 0, "main"),
    ("瑞舒伐他汀钙片", "10mg×28片", "盒", 28, "5.6", 1, "main"),
    ("苯磺酸氨氯地平片", "5mg×28片", "盒", 28, "1.68", 2, "main"),
    ("缬沙坦胶囊", "80mg×28粒", "盒", 28, "7.28", 3, "main"),
    ("盐酸二甲双胍片", "0.5g×60片", "瓶", 60, "4.5", 4, "main"),
    ("阿卡波糖片", "50mg×30片", "盒", 30, "5.42", 5, "main"),
    ("格列美脲片", "2mg×36片", "盒", 36, "4.1", 0, "main"),
    ("硫酸氢氯吡格雷片", "75mg×7片", "盒", 7, "17.8", 1, "main"),
    ("奥美拉唑肠溶胶囊", "20mg×28粒", "瓶", 28, "2.96", 2, "main"),
    ("注射用泮托拉唑钠", "40mg", "瓶", 1, "1.98", 3, "main"),
    ("注射用头孢曲松钠", "1.0g", "瓶", 1, "1.15", 4, "main"),
    ("注射用头孢呋辛钠", "0.75g", "瓶", 1, "2.35", 5, "main"),
    ("注射用哌拉西林钠他唑巴坦钠", "4.5g", "瓶", 1, "9.63", 0, "main"),
    ("左氧氟沙星氯化钠注射液", "0.5g:100ml", "袋", 1, "6.7", 1, "main"),
    ("布洛芬缓释胶囊", "0.3g×24粒", "盒", 24, "3.3125", 2, "main"),
    ("孟鲁司特钠咀嚼片", "5mg×30片", "盒", 30, "12.9", 3, "main"),
    ("蒙脱石散", "3g×10袋", "盒", 10, "1.6", 4, "main"),
    ("盐酸氨溴索注射液", "15mg:2ml", "支", 1, "0.59", 5, "main"),
    ("门冬胰岛素注射液", "300单位:3ml", "支", 1, "19.98", 0, "main"),
    ("碘海醇注射液", "30g(I):100ml", "瓶", 1, "78.5", 1, "main"),
    ("阿托伐他汀钙片", "20mg×14片", "盒", 14, "2.31", 5, "backup"),
    ("苯磺酸氨氯地平片", "5mg×14片", "盒", 14, "1.02", 3, "backup"),
    ("注射用头孢曲松钠", "0.5g", "瓶", 1, "0.92", 0, "backup"),
    ("奥美拉唑肠溶胶囊", "20mg×14粒", "盒", 14, "1.87", 4, "backup", True),
    ("孟鲁司特钠咀嚼片", "4mg×30片", "盒", 30, "11.7", 5, "backup"),
    ("缬沙坦胶囊", "160mg×14粒", "盒", 14, "21.4", 4, "none"),
    ("布洛芬缓释胶囊", "0.4g×24粒", "盒", 24, "15.2", 5, "none"),
)
CONSUMABLES = (
    ("冠状动脉药物洗脱支架", "3.0×18mm", "根", 1, "798", 6, "main"),
    ("人工髋关节假体", "全髋 陶瓷-聚乙烯", "套", 1, "6890", 7, "main"),
    ("人工晶状体", "非球面 单焦点", "枚", 1, "660", 6, "main"),
    ("一次性使用静脉留置针", "24G Y型", "支", 1, "3.9", 7, "main"),
    ("冠状动脉扩张球囊导管", "2.5×15mm", "根", 1, "189", 6, "main"),
    ("超声刀头", "36cm", "把", 1, "1380", 7, "main"),
    ("冠状动脉药物洗脱支架", "2.5×24mm", "根", 1, "848", 7, "backup"),
)

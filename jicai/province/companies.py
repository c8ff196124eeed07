"""Distributors and manufacturers of the story. All are invented; the mark (模拟) says so.

Their codes are valid unified social credit codes (统一社会信用代码) made from their names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zlib import crc32

from jicai.imports.ids import uscc
from jicai.province.behaviour import (
    HOARDER,
    PROMPT,
    REFUSER,
    SILENT,
    SLOPPY,
    STEADY,
    VANISHER,
    Character,
)
from jicai.province.places import Hospital


@dataclass(frozen=True, slots=True)
class Distributor:
    id: str
    name: str
    division: str
    character: Character
    cities: tuple[str, ...]
    """Where it delivers; none named means everywhere."""

    @property
    def actor(self) -> str:
        return f"distributor:{self.id}"

    @property
    def source(self) -> str:
        return f"urn:jicai:{self.id}:erp"

    def serves(self, hospital: Hospital) -> bool:
        return not self.cities or hospital.city in self.cities


def distributors() -> list[Distributor]:
    return [
        Distributor(uscc(name, division), name, division, character, cities)
        for name, division, character, cities in DISTRIBUTORS
    ]


def manufacturers() -> list[tuple[str, str, str]]:
    """(id, name, division) of each manufacturer (生产企业)."""
    return [(uscc(name, division), name, division) for name, division in MANUFACTURERS]


def company_resources() -> list[tuple[str, dict[str, Any]]]:
    found = [(d.id, d.name, d.division, "distributor") for d in distributors()]
    found += [(*m, "manufacturer") for m in manufacturers()]
    return [
        (
            f"/orders/v1/organisations/{company}",
            {"kinds": [kind], "name": name, "division": division},
        )
        for company, name, division, kind in found
    ]


def supplier_of(hospital: Hospital, product_id: str, all_of_them: list[Distributor]) -> Distributor:
    """Who brings a product to a hospital: chosen once, and the same in every story."""
    serving = [d for d in all_of_them if d.serves(hospital)]
    return serving[crc32(f"{hospital.id}/{product_id}".encode()) % len(serving)]


EVERYWHERE: tuple[str, ...] = ()
DISTRIBUTORS = (
    ("赣江快达医药配送有限公司(模拟)", "360100", PROMPT, EVERYWHERE),
    ("豫章恒信医药股份有限公司(模拟)", "360100", STEADY, EVERYWHERE),
    ("鄱湖云仓医药物流有限公司(模拟)", "360400", STEADY, ("360400", "361100", "360200", "360000")),
    ("浔阳渡口药业有限公司(模拟)", "360400", SLOPPY, ("360400", "360100", "360200")),
    ("章贡双江医药有限公司(模拟)", "360700", PROMPT, ("360700", "360800")),
    ("客家围屋药品配送有限公司(模拟)", "360700", HOARDER, ("360700",)),
    ("庐陵青原医药有限公司(模拟)", "360800", STEADY, ("360800", "360300", "360500")),
    ("袁山明月医药有限公司(模拟)", "360900", REFUSER, ("360900", "360300", "360500", "360100")),
    ("临川才子药品经营有限公司(模拟)", "361000", SILENT, ("361000", "360600")),
    ("信江龙虎医疗器械有限公司(模拟)", "360600", PROMPT, ("360600", "361100", "361000")),
    ("瓷都白釉医药有限公司(模拟)", "360200", VANISHER, ("360200", "361100")),
    ("武功云海医药有限公司(模拟)", "360300", SLOPPY, ("360300", "360500", "360900")),
)
MANUFACTURERS = (
    ("滕阁制药股份有限公司(模拟)", "360100"),
    ("井冈翠竹制药有限公司(模拟)", "360881"),
    ("樟帮药都制药有限公司(模拟)", "360982"),
    ("仙女湖生物制药有限公司(模拟)", "360500"),
    ("东海蓝鲸制药有限公司(模拟)", "330100"),
    ("北辰星火药业有限公司(模拟)", "110100"),
    ("岭南木棉医疗器械有限公司(模拟)", "440100"),
    ("姑苏细雨医疗科技有限公司(模拟)", "320500"),
)

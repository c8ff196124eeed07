"""Where the story plays: Jiangxi's divisions and some forty hospitals of three levels.

Names sound like Jiangxi's hospitals; what they do in the story is invented. A township health
centre (乡镇卫生院) is primary and remote (偏远): its deliveries have five working days, not three.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

Level = Literal["primary", "secondary", "tertiary"]
PROVINCE = "360000"


@dataclass(frozen=True, slots=True)
class Division:
    """A division (行政区划) by GB/T 2260."""

    code: str
    name: str
    parent: str
    level: str


@dataclass(frozen=True, slots=True)
class Hospital:
    id: str
    name: str
    division: str
    level: Level
    remote: bool

    @property
    def city(self) -> str:
        return f"{self.division[:4]}00"

    @property
    def actor(self) -> str:
        return f"hospital:{self.id}"

    @property
    def source(self) -> str:
        return f"urn:jicai:{self.id}:his"

    @property
    def slow(self) -> bool:
        """Whether the policy gives its deliveries five working days."""
        return self.remote and self.level == "primary"

    def resource(self) -> tuple[str, dict[str, Any]]:
        return f"/orders/v1/organisations/{self.id}", {
            "kinds": ["hospital"],
            "name": self.name,
            "division": self.division,
            "level": self.level,
            "remote": self.remote,
        }


def divisions() -> dict[str, Division]:
    """The province, its 11 cities and its 100 counties, as shipped with the product."""
    text = (resources.files("jicai.province") / "divisions_jiangxi.csv").read_text("utf-8-sig")
    return {row["code"]: Division(**row) for row in csv.DictReader(text.splitlines())}


def hospitals() -> list[Hospital]:
    """All hospitals; the serial number in a code counts within its division."""
    known = divisions()
    serials: dict[str, int] = {}
    found = []
    for level, remote, names in (
        ("tertiary", False, TERTIARY),
        ("secondary", False, SECONDARY),
        ("primary", False, COMMUNITY),
        ("primary", True, TOWNSHIP),
    ):
        for code, name in names:
            serials[code] = serials.get(code, 0) + 1
            hospital_id = f"H{known[code].code}{serials[code]:05d}"
            found.append(Hospital(hospital_id, name, code, level, remote))  # type: ignore[arg-type]
    return found


TERTIARY = (
    ("360000", "江西省人民医院"),
    ("360100", "南昌市第一医院"),
    ("360100", "南昌市第三医院"),
    ("360200", "景德镇市第一人民医院"),
    ("360300", "萍乡市人民医院"),
    ("360400", "九江市第一人民医院"),
    ("360500", "新余市人民医院"),
    ("360600", "鹰潭市人民医院"),
    ("360700", "赣州市人民医院"),
    ("360800", "吉安市中心人民医院"),
    ("360900", "宜春市人民医院"),
    ("361000", "抚州市第一人民医院"),
    ("361100", "上饶市人民医院"),
)
SECONDARY = (
    ("360121", "南昌县人民医院"),
    ("360124", "进贤县人民医院"),
    ("360424", "修水县第一人民医院"),
    ("360428", "都昌县人民医院"),
    ("360681", "贵溪市人民医院"),
    ("360703", "南康区第一人民医院"),
    ("360704", "赣县区人民医院"),
    ("360731", "于都县人民医院"),
    ("360732", "兴国县人民医院"),
    ("360781", "瑞金市人民医院"),
    ("360826", "泰和县人民医院"),
    ("360981", "丰城市人民医院"),
    ("360983", "高安市人民医院"),
    ("361002", "临川区人民医院"),
    ("361128", "鄱阳县人民医院"),
    ("361130", "婺源县中医院"),
)
COMMUNITY = (
    ("360102", "东湖区彭家桥社区卫生服务中心"),
    ("360502", "渝水区城北社区卫生服务中心"),
)
TOWNSHIP = (
    ("360222", "浮梁县瑶里镇中心卫生院"),
    ("360321", "莲花县坊楼镇中心卫生院"),
    ("360424", "修水县渣津镇中心卫生院"),
    ("360521", "分宜县洞村乡卫生院"),
    ("360725", "崇义县上堡乡卫生院"),
    ("360734", "寻乌县留车镇中心卫生院"),
    ("360735", "石城县横江镇中心卫生院"),
    ("360827", "遂川县汤湖镇卫生院"),
    ("360881", "井冈山市茅坪镇卫生院"),
    ("360926", "铜鼓县大塅镇中心卫生院"),
    ("361025", "乐安县招携镇中心卫生院"),
    ("361028", "资溪县马头山镇卫生院"),
    ("361130", "婺源县江湾镇中心卫生院"),
)

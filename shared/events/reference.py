"""Facts about what orders refer to: registers and the calendar (基础信息)."""

from __future__ import annotations

from typing import Any, Final

import msgspec

KINDS: Final = (
    "organisation",
    "product",
    "batch",
    "agreement",
    "listing",
    "demand-report",
)
"""The six registers of `orders` (机构、产品、批次、协议、挂网、报量)."""

CALENDAR_YEAR: Final = "jicai.reference.calendar_year.v1"


def reference_type(kind: str) -> str:
    """The event type of a change in one register, e.g. `jicai.reference.demand_report.v1`."""
    return f"jicai.reference.{kind.replace('-', '_')}.v1"


TYPES: Final[dict[str, str]] = {reference_type(kind): kind for kind in KINDS}
"""From event type to register."""


class ResourcePut(msgspec.Struct, kw_only=True):
    """One entry of a register as it stands from now on; the body replaces (登记变更).

    `body` is what a PUT of the contract's section 4 takes, as it was sent; `id` is the entry's own.
    """

    kind: str
    id: str
    body: dict[str, Any]


class CalendarDay(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A day that differs from Monday-Friday (节假日或调休上班)."""

    date: str
    kind: str
    name: str
    notice: str = ""


class CalendarYearLoaded(msgspec.Struct, kw_only=True):
    """A year was loaded from the State Council notice (年度工作日历发布)."""

    year: int
    version: str
    days: list[CalendarDay]


FACTS: Final[dict[str, type[msgspec.Struct]]] = {
    **dict.fromkeys(TYPES, ResourcePut),
    CALENDAR_YEAR: CalendarYearLoaded,
}
"""How the fact of each type reads."""

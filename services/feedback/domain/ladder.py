"""The ladder of bureaus that a ticket may climb (逐级上报): county, city, province, never skipping.

It is frozen when the ticket is opened: a later change of divisions moves no open ticket.
"""

from __future__ import annotations

from typing import Final

from shared.events.feedback import BureauLevel, Rung

LEVELS: Final[tuple[BureauLevel, ...]] = ("county", "city", "province")
"""Who supervises, from the first to the last (县级、市级、省级)."""


def ladder_of(division: str) -> list[Rung]:
    """The rungs from the hospital's own bureau upwards (属地医疗保障部门)."""
    bureaus = (division, division[:4] + "00", division[:2] + "0000")
    first = LEVELS.index(_level_of(division))
    return [Rung(level=LEVELS[i], bureau=bureaus[i]) for i in range(first, len(LEVELS))]


def rung_above(ladder: list[Rung], level: BureauLevel) -> Rung | None:
    """The next rung up; None at the province."""
    place = next(i for i, rung in enumerate(ladder) if rung.level == level)
    return ladder[place + 1] if place + 1 < len(ladder) else None


def _level_of(division: str) -> BureauLevel:
    if division.endswith("0000"):
        return "province"
    return "city" if division.endswith("00") else "county"

"""Why figures are different now (重述原因): the events behind the lines that add something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.alerts.domain.line import from_bytes
from services.alerts.domain.restating import Figure, caused_by
from services.alerts.domain.window import year_to_date
from services.alerts.policy import ORDERS_YTD
from services.alerts.projections.publications import Publication
from services.alerts.projections.restated import Change, Days, Wholes
from services.alerts.projections.restated_lines import ChangedLine, changed_lines
from services.alerts.projections.scope import Scope
from shared.events.envelope import Cause


@dataclass(slots=True)
class Moved:
    """What has come to the figures of a publication, and which orders count otherwise."""

    publication: Publication
    figures: dict[Figure, Change] = field(default_factory=dict)
    orders: dict[Figure, Mapping[str, Wholes]] = field(default_factory=dict)

    @property
    def number(self) -> int:
        return self.publication.number

    @property
    def window(self) -> Days:
        return self.publication.first, self.publication.last

    @property
    def year(self) -> Days:
        year = year_to_date(self.publication.as_of)
        return year.first, year.last

    def note(self, figure: Figure, change: Change) -> None:
        """A figure to which nothing came has not moved, whatever its lines did."""
        if change != (0, 0):
            self.figures[figure] = change

    def note_orders(self, figure: Figure, orders: Mapping[str, Wholes]) -> None:
        """Orders by id: whole or not, then and now."""
        self.orders[figure] = orders
        numerator = sum(bool(now) - bool(then) for then, now in orders.values())
        denominator = sum((now is not None) - (then is not None) for then, now in orders.values())
        self.note(figure, (numerator, denominator))


async def causes_of(
    tx: Any, scope: Scope, moved: Moved, figures: Sequence[Figure]
) -> dict[Figure, list[Cause]]:
    """What came to be known since on the lines behind these figures, by order and line (原因)."""
    found: dict[Figure, dict[Cause, None]] = {figure: {} for figure in figures}
    if not found:
        return {}
    pairs = sorted({(figure.subject, figure.rate) for figure in figures})
    async for line in changed_lines(tx, scope, moved.number, moved.window, moved.year):
        touched = [
            figure
            for kind, rate in pairs
            for figure in _touched(line, kind, rate)
            if figure in found and _counts(line, figure, moved)
        ]
        if not touched:
            continue
        then = None if line.facts_then is None else from_bytes(line.facts_then)
        now = from_bytes(line.facts_now)
        for figure in touched:
            found[figure].update(dict.fromkeys(caused_by(then, now, figure.rate)))
    return {figure: list(causes) for figure, causes in found.items()}


def _touched(line: ChangedLine, kind: str, rate: str) -> Iterator[Figure]:
    """The figures of a kind to which a line adds something else than it did."""
    was, is_ = line.then.shares.get(rate), line.now.shares.get(rate)
    whose, now_whose = line.then.ids.get(kind), line.now.ids.get(kind)
    if whose == now_whose and was == is_:
        return
    if was is not None and whose is not None:
        yield Figure(kind, whose, rate)
    if is_ is not None and now_whose is not None and (now_whose != whose or was is None):
        yield Figure(kind, now_whose, rate)


def _counts(line: ChangedLine, figure: Figure, moved: Moved) -> bool:
    """A line alone does not move the year's orders: its order must count otherwise."""
    return figure.rate != ORDERS_YTD or line.order_id in moved.orders[figure]

"""Which lines and tickets a figure looks at (统计范围), as a WHERE clause."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import msgspec

from services.alerts.projections.freezing import EVER_WRITTEN, was_published
from services.alerts.projections.tickets import EVER_TICKETS
from shared.kernel.codes import subtree_prefix

COLUMNS: Final = {
    "distributor": "distributor_id",
    "manufacturer": "manufacturer_id",
    "product": "product_id",
}
TOTAL: Final = "total"


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Subject and filters; `id` is missing where every subject of the kind is meant (统计范围).

    `publication` is the number of the one whose frozen lines are meant, missing for those of now.
    """

    subject: str
    id: str | None = None
    category: str | None = None
    division: str | None = None
    level: str | None = None
    selected_only: bool = False
    batch_id: str | None = None
    publication: int | None = None


def frozen(scope: Scope, number: int | None) -> Scope:
    """The same lines as they stood for a publication; those of now without a number."""
    return msgspec.structs.replace(scope, publication=number)


class Where:
    """A conjunction under construction: conditions, the parameters they name, and of which lines."""

    def __init__(self, lines: str = "lines") -> None:
        self.lines = lines
        self.values: list[Any] = []
        self._conditions: list[str] = []

    def add(self, condition: str, *values: Any) -> None:
        """One more condition; `{0}`, `{1}` … stand for the values."""
        self._conditions.append(condition.format(*(self.value(value) for value in values)))

    def value(self, value: Any) -> str:
        """A parameter, and the name it goes by."""
        self.values.append(value)
        return f"${len(self.values)}"

    def __str__(self) -> str:
        return " AND ".join(self._conditions) or "true"


def lines_of(scope: Scope, first: date, last: date) -> Where:
    """The lines of a scope with a due day among these days, or with one on either side of them."""
    where = Where("lines" if scope.publication is None else EVER_WRITTEN)
    where.add("last_day >= {0} AND first_day <= {1}", first, last)
    if scope.publication is not None:
        where.add(was_published(scope.publication))
    for column in ("category", "batch_id"):
        value = getattr(scope, column)
        if value is not None:
            where.add(column + " = {0}", value)
    if scope.selected_only:
        where.add("selected")
    _narrow(where, scope)
    return where


def orders_of(scope: Scope, first: date, last: date) -> Where:
    """The orders of a scope with a response due in these days; it may name nothing of a line."""
    where = Where()
    where.add("counted AND response_day BETWEEN {0} AND {1}", first, last)
    _narrow(where, scope)
    return where


def is_about_orders(scope: Scope) -> bool:
    """Whether a scope takes or leaves orders whole, as they are now (整单范围)."""
    is_of_order = scope.subject in ("distributor", TOTAL) and scope.publication is None
    return is_of_order and scope.category is None and scope.batch_id is None


def among(where: Where, scope: Scope, ids: Sequence[str]) -> None:
    """Only these subjects."""
    if scope.subject in COLUMNS:
        where.add(COLUMNS[scope.subject] + " = ANY({0}::text[])", list(ids))


def tickets_of(scope: Scope, first: date, last: date) -> Where:
    """The tickets of a scope that are due in these days; they have neither role nor batch (工单范围)."""
    where = Where("tickets" if scope.publication is None else EVER_TICKETS)
    where.add("due_day BETWEEN {0} AND {1}", first, last)
    if scope.publication is not None:
        where.add(was_published(scope.publication))
    if scope.category is not None:
        where.add("category = {0}", scope.category)
    if scope.id is not None and scope.subject != TOTAL:
        whose = "product_id = {0}" if scope.subject == "product" else "addressees @> ARRAY[{0}]"
        where.add(whose, scope.id)
    _narrow_place(where, scope)
    return where


def _narrow(where: Where, scope: Scope) -> None:
    """What an order and its lines have in common: whose, and where."""
    if scope.id is not None and scope.subject in COLUMNS:
        where.add(COLUMNS[scope.subject] + " = {0}", scope.id)
    _narrow_place(where, scope)


def _narrow_place(where: Where, scope: Scope) -> None:
    """Of which hospitals (医院等级与区划)."""
    if scope.level is not None:
        where.add("level = {0}", scope.level)
    if scope.division is not None:
        where.add("division LIKE {0}", subtree_prefix(scope.division) + "%")

"""What registers and receipts say of hospitals' years (登记与验收数据加载), for what was not stated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from services.settlement.domain.completing import Drawn
from services.settlement.domain.retention import Use
from services.settlement.projections.agreed import (
    Agreed,
    Batch,
    agreements_of,
    reported_of,
)
from services.settlement.projections.use import Window, non_selected_use, selected_use
from shared.kernel.clock import day_end, day_start

Generics = Mapping[str, Sequence[str]]
"""By hospital: the generics whose figures are asked for."""


async def drawn_of(
    connection: Any, batch: Batch, year: int, generics: Generics
) -> dict[str, Drawn]:
    """By hospital: what is registered and received of these generics in the year."""
    hospitals = sorted(generics)
    agreements = [
        one for one in await agreements_of(connection, batch, hospitals) if one.first.year == year
    ]
    windows = _windows(batch, year, generics, agreements)
    by_hospital: dict[str, dict[str, dict[str, Any]]] = defaultdict(lambda: defaultdict(dict))
    for hospital_id, name, quantity in await reported_of(connection, batch.batch_id, hospitals):
        by_hospital[hospital_id]["reported"][name] = quantity
    for one in agreements:
        if one.generic_name is not None:
            of = by_hospital[one.hospital_id]
            of["agreed"][one.generic_name] = of["agreed"].get(one.generic_name, 0) + one.quantity
            if one.selected_price is not None:
                prices = of["prices"].get(one.generic_name, frozenset())
                of["prices"][one.generic_name] = prices | {one.selected_price}
    for hospital_id, name, quantity in await selected_use(connection, batch.batch_id, windows):
        by_hospital[hospital_id]["selected"][name] = quantity
    for hospital_id, name, price, quantity in await non_selected_use(connection, windows):
        by_hospital[hospital_id]["non_selected"].setdefault(name, []).append(Use(quantity, price))
    return {hospital_id: Drawn(**found) for hospital_id, found in by_hospital.items()}


def _windows(
    batch: Batch, year: int, generics: Generics, agreements: Sequence[Agreed]
) -> list[Window]:
    """Each generic's agreement year: its agreements', by default the batch's where it begins then."""
    terms: dict[tuple[str, str | None], tuple[date, date]] = {}
    for one in agreements:
        key = (one.hospital_id, one.generic_name)
        first, last = terms.get(key, (one.first, one.last))
        terms[key] = min(first, one.first), max(last, one.last)
    windows = []
    for hospital_id, names in generics.items():
        for name in names:
            default = (batch.first, batch.last) if batch.first.year == year else None
            term = terms.get((hospital_id, name), default)
            if term is not None:
                windows.append(Window(hospital_id, name, day_start(term[0]), day_end(term[1])))
    return windows

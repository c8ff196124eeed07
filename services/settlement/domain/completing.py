"""A variety with what was left out of it filled in (测算数据补全): from reports, agreements, receipts.

A price is asked for only where it counts: nothing reported needs no price before the procurement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from services.settlement.domain.retention import Use, Variety
from shared.events.settlement import RetentionVariety
from shared.kernel.errors import Refusal
from shared.kernel.quantity import parse_price, parse_quantity


@dataclass(frozen=True, slots=True)
class Drawn:
    """What registers and receipts say of one hospital's year, by generic name (登记与验收数据).

    Quantities and prices are ten-thousandths; a generic may have been selected at several prices.
    """

    reported: Mapping[str, int] = field(default_factory=dict)
    agreed: Mapping[str, int] = field(default_factory=dict)
    selected: Mapping[str, int] = field(default_factory=dict)
    prices: Mapping[str, frozenset[int]] = field(default_factory=dict)
    non_selected: Mapping[str, Sequence[Use]] = field(default_factory=dict)


class Completed(NamedTuple):
    """A whole variety; `drawn` names what was filled in (已补全)."""

    variety: Variety
    drawn: list[str]


NOTHING: Final = Drawn()


def completed(given: RetentionVariety, drawn: Drawn) -> Completed:
    """The variety that is reckoned with; refused where a price that counts cannot be known."""
    name, filled = given.generic_name, []

    def quantity(member: str, stated: str | None, found: Mapping[str, int]) -> int:
        if stated is not None:
            return parse_quantity(stated, zero=True)
        filled.append(member)
        return found.get(name, 0)

    reported = quantity("reported_quantity", given.reported_quantity, drawn.reported)
    agreed = quantity("agreed_quantity", given.agreed_quantity, drawn.agreed)
    selected = quantity("selected_quantity", given.selected_quantity, drawn.selected)
    pre_price = None if given.pre_price is None else parse_price(given.pre_price)
    if pre_price is None and reported:
        raise _missing(name, "pre_price", "集采前加权平均价", "the price before the procurement")
    selected_price = _selected_price(given, drawn.prices.get(name, frozenset()), filled)
    if selected_price is None and min(selected, agreed):
        raise _missing(name, "selected_price", "中选价", "one selected price")
    if given.non_selected is None:
        filled.append("non_selected")
        others = list(drawn.non_selected.get(name, ()))
    else:
        others = [
            Use(parse_quantity(use.quantity, zero=True), parse_price(use.price))
            for use in given.non_selected
        ]
    return Completed(Variety(reported, agreed, selected, pre_price, selected_price, others), filled)


def _selected_price(
    given: RetentionVariety, found: frozenset[int], filled: list[str]
) -> int | None:
    """The price as stated, or the one that all agreed products were selected at (中选价)."""
    if given.selected_price is not None:
        return parse_price(given.selected_price)
    if len(found) != 1:
        return None
    filled.append("selected_price")
    [price] = found
    return price


def _missing(name: str, member: str, zh: str, en: str) -> Refusal:
    return Refusal(
        "retention_input_missing",
        f"品种 {name} 缺少{zh} ({member}), 也无法由登记数据得出",
        f"{name}: {en} ({member}) is not stated, and the registers do not give it",
        pointer=f"/{name}/{member}",
    )

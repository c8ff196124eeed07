"""Who may see which fact (可见范围): decided here, once, for feeds and reconciliation."""

from __future__ import annotations

from typing import Any

from shared.kernel.codes import subtree_prefix
from shared.runtime.actors import Actor


def visible_facts(
    actor: Actor,
    *,
    first: int,
    registers: bool = False,
    by_pool: bool = False,
    of_several: bool = False,
) -> tuple[str, list[Any]]:
    """A condition over a log's columns with its values; `$first` is its first parameter.

    Facts of the registers name no place. Bureaus see them always; hospitals and enterprises,
    whose feeds are about their own orders, where they ask for them. Where money is spoken of
    (`by_pool`) a finance office sees its pool only. Enterprises may stand space-joined; where a fact
    may be about several hospitals or areas too (`of_several`), these stand so as well.
    """
    if actor.sees_everything:
        return "true", []
    no_place = "hospital_id IS NULL"
    if of_several:
        no_place = "(hospital_id IS NULL AND divisions IS NULL)"
    too = f"{no_place} OR " if registers or actor.role in ("bureau", "finance") else ""
    match actor.role:
        case "hospital":
            named = (
                f"strpos(hospital_id, ${first}) > 0" if of_several else f"hospital_id = ${first}"
            )
            return f"({too}{named})", [actor.organisation]
        case "distributor":
            return f"({too}strpos(distributor_id, ${first}) > 0)", [actor.organisation]
        case "manufacturer":
            return f"({too}strpos(manufacturers, ${first}) > 0)", [actor.organisation]
        case "finance" if not by_pool:
            return "true", []
        case "bureau" | "finance":
            area = subtree_prefix(actor.organisation)
            placed, values = f"starts_with(hospital_id, ${first})", [f"H{area}"]
            if of_several:
                placed += f" OR strpos(' ' || divisions, ${first + 1}) > 0"
                values.append(f" {area}")
            return f"({too}{placed})", values
    return "false", []

"""Who may see which fact (可见范围): decided here, once, for feeds and reconciliation."""

from __future__ import annotations

from typing import Any

from shared.kernel.codes import subtree_prefix
from shared.runtime.actors import Actor


def visible_facts(
    actor: Actor, *, first: int, registers: bool = False, by_pool: bool = False
) -> tuple[str, list[Any]]:
    """A condition over a log's columns with its values; `$first` is its first parameter.

    Facts of the registers name no hospital. Bureaus see them always; hospitals and enterprises,
    whose feeds are about their own orders, where they ask for them. Where money is spoken of
    (`by_pool`) a finance office sees its pool only. A ticket's addressees stand space-joined.
    """
    if actor.sees_everything:
        return "true", []
    too = "hospital_id IS NULL OR " if registers or actor.role in ("bureau", "finance") else ""
    match actor.role:
        case "hospital":
            return f"({too}hospital_id = ${first})", [actor.organisation]
        case "distributor":
            return f"({too}strpos(distributor_id, ${first}) > 0)", [actor.organisation]
        case "manufacturer":
            return f"({too}strpos(manufacturers, ${first}) > 0)", [actor.organisation]
        case "finance" if not by_pool:
            return "true", []
        case "bureau" | "finance":
            prefix = f"H{subtree_prefix(actor.organisation)}"
            return f"({too}starts_with(hospital_id, ${first}))", [prefix]
    return "false", []

"""Who may see which fact (可见范围): decided here, once, for feeds and reconciliation."""

from __future__ import annotations

from typing import Any

from shared.kernel.codes import subtree_prefix
from shared.runtime.actors import Actor


def visible_facts(actor: Actor, *, first: int) -> tuple[str, list[Any]]:
    """A condition over a log's columns with its values; `$first` is its first parameter.

    Facts of the registers name no hospital and are everybody's to read.
    """
    if actor.sees_everything or actor.role == "finance":
        return "true", []
    match actor.role:
        case "hospital":
            return f"(hospital_id IS NULL OR hospital_id = ${first})", [actor.organisation]
        case "distributor":
            return f"(hospital_id IS NULL OR distributor_id = ${first})", [actor.organisation]
        case "manufacturer":
            return (
                f"(hospital_id IS NULL OR strpos(manufacturers, ${first}) > 0)",
                [actor.organisation],
            )
        case "bureau":
            return (
                f"(hospital_id IS NULL OR starts_with(hospital_id, ${first}))",
                [f"H{subtree_prefix(actor.organisation)}"],
            )
    return "false", []

"""Whose lines a caller may see (可见范围): contract, section 2; finance sees what its pool pays for."""

from __future__ import annotations

from typing import Any

from shared.kernel.codes import subtree_prefix
from shared.runtime.actors import Actor


def visible(actor: Actor, values: list[Any]) -> list[str]:
    """Conditions over `hospital_id` and `payee_id`; what they compare with is added to `values`."""
    if actor.sees_everything:
        return []
    organisation = actor.organisation
    match actor.role:
        case "hospital":
            values.append(organisation)
            return [f"hospital_id = ${len(values)}"]
        case "distributor":
            values.append(organisation)
            return [f"payee_id = ${len(values)}"]
        case "bureau":
            values.append(f"H{subtree_prefix(organisation)}")
            return [f"starts_with(hospital_id, ${len(values)})"]
        case "finance" if organisation.endswith("0000"):
            return []
        case "finance" if organisation.endswith("00"):
            # A pool is a city's, counties included: the first four digits of its hospitals' codes.
            values.append(f"H{organisation[:4]}")
            return [f"starts_with(hospital_id, ${len(values)})"]
    return ["false"]

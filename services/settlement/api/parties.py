"""Who has a part in settlement (结算参与方)."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from shared.runtime.actors import Actor, CurrentActor, forbidden


async def party(actor: CurrentActor) -> Actor:
    """A dependency, so that 403 goes before any fault of the query: manufacturers have no part."""
    if actor.role == "manufacturer":
        raise forbidden("生产企业不参与结算", "manufacturers have no part in settlement")
    return actor


Party = Annotated[Actor, Depends(party)]

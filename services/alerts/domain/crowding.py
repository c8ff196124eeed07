"""What a day close decides about tickets that crowd (集中反馈日结): clear where they no longer do.

An opening raises at once, so a close has nothing to raise but what could not be told then: tickets
that came back from the shelf, or that were opened before anybody watched.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from services.alerts.domain.closing import Standing, is_settled
from services.alerts.domain.concentration import Concentration


class CrowdChange(NamedTuple):
    """What is to be recorded of one product: raise on a crowd, or clear the alert of a stream (升降)."""

    product_id: str
    crowd: Concentration | None
    stream: str | None


def crowd_changes(
    crowds: Mapping[str, Concentration], standing: Mapping[str, Standing], at: datetime
) -> list[CrowdChange]:
    """What the close at `at` has yet to record, by product."""
    found = []
    for product_id in sorted(crowds.keys() | standing.keys()):
        crowd, stands = crowds.get(product_id), standing.get(product_id)
        if stands is None:
            found.append(CrowdChange(product_id, crowd, None))
        elif crowd is None and not is_settled(stands, at):
            found.append(CrowdChange(product_id, None, stands.stream))
    return found

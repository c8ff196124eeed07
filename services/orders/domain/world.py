"""What a decision stands on besides its order: registers, agreements, calendar, terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.orders.domain.registers import Registers
from services.orders.policy import OrderTerms
from shared.kernel.calendar import WorkCalendar


@dataclass(slots=True)
class World:
    """The state of everything else behind the gate (判定依据).

    `agreements` holds, for the (hospital, product, distributor) of this batch, the ids by batch.
    """

    registers: Registers
    calendar: WorkCalendar
    terms: OrderTerms
    agreements: Mapping[tuple[str, str, str], Mapping[str, str]] = field(default_factory=dict)

    def agreement(
        self, hospital_id: str, product_id: str, distributor_id: str, batch_id: str | None
    ) -> str | None:
        """The agreement registered for the three: the batch's own if there is one, else the first."""
        found = self.agreements.get((hospital_id, product_id, distributor_id))
        if not found:
            return None
        if batch_id is not None and batch_id in found:
            return found[batch_id]
        return min(found.values())

"""The nouns of a story: an order and its lines, a fact as CloudEvents JSON, a moment, an act, an errand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from jicai.client import Jicai
from jicai.province.catalogue import Product
from jicai.province.companies import Distributor
from jicai.province.places import Hospital

Json = dict[str, Any]


class Moment(NamedTuple):
    """Somebody posts something. The facts in it may have happened earlier than this instant."""

    instant: datetime
    actor: str
    events: list[Json]
    order_id: str


class Act(NamedTuple):
    """Somebody does something with a ticket (工单操作): a request, dated by the platform's clock."""

    instant: datetime
    actor: str
    ticket_id: str
    name: str
    """`open`, or the last part of the address."""
    words: Json

    @property
    def path(self) -> str:
        path = "/feedback/v1/tickets"
        return path if self.name == "open" else f"{path}/{self.ticket_id}/{self.name}"


class Errand(NamedTuple):
    """Somebody sits down to what waits for them (经办): what is done depends on what they find."""

    instant: datetime
    label: str
    do: Callable[[Jicai], Counter[str]]
    """What came of it: done, or the code of each refusal."""


@dataclass(frozen=True, slots=True)
class Line:
    line_id: str
    product: Product
    quantity: int
    unit_price: str
    agreed: bool
    """Whether a three-party agreement (三方协议) names this hospital, product and distributor."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order (订单) as its hospital means it; what becomes of it the characters decide."""

    order_id: str
    hospital: Hospital
    distributor: Distributor
    sent_at: datetime
    lines: tuple[Line, ...]
    emergency: bool = False
    entered_at: datetime | None = None
    """When it reaches the platform, if later than it was sent: a back-entered order (补录)."""
    required_by: datetime | None = None
    """The hospital's own wish (要求到货时间), which only ever extends what the policy gives."""

    @property
    def known_at(self) -> datetime:
        return self.entered_at or self.sent_at

    def by_hospital(self, kind: str, name: str, at: datetime, data: Json) -> Moment:
        return self._moment(self.hospital.actor, self.hospital.source, kind, name, at, data)

    def by_distributor(
        self, kind: str, name: str, at: datetime, data: Json, posted_at: datetime | None = None
    ) -> Moment:
        """What the distributor tells; it may post a fact long after it happened (补报)."""
        moment = self._moment(self.distributor.actor, self.distributor.source, kind, name, at, data)
        return moment if posted_at is None else moment._replace(instant=posted_at)

    def _moment(
        self, actor: str, source: str, kind: str, name: str, at: datetime, data: Json
    ) -> Moment:
        at = at.replace(microsecond=0)
        event = {
            "specversion": "1.0",
            "id": f"{self.order_id}-{name}",
            "source": source,
            "type": f"jicai.{kind}.v1",
            "time": at.isoformat(),
            "datacontenttype": "application/json",
            "data": {"order_id": self.order_id, **data},
        }
        return Moment(at, actor, [event], self.order_id)

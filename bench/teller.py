"""Our road with the rules of the peer's aggregate: an order remembers what was last said about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from fastapi import APIRouter

from shared.events.topics import ORDERS
from shared.kernel.decider import Decided, Decider, Sent
from shared.runtime.handling import Kit
from shared.runtime.service import Service
from shared.store.log import StreamColumns


class Told(msgspec.Struct):
    """An order, and the sender's own words."""

    order_id: str
    said: str


def _decide(_order: Told | None, sent: Sent, now: datetime, _world: None) -> Decided:
    fact = Told(sent.stream, sent.payload.decode())
    return Decided(topic=ORDERS, type=sent.type, fact=fact, at=now, sent=sent)


def _nothing(*_: Any) -> None:
    """Anybody may speak, no timer is set."""


def _never(*_: Any) -> Sequence[Decided]:
    return ()


async def _no_world(*_: Any) -> None:
    """It stands on nothing else."""


RULES: Final[Decider[Told, None]] = Decider(
    authorise=_nothing,
    decide=_decide,
    evolve=lambda _order, _type, fact: fact,
    due=_nothing,
    wake=_never,
    encode=msgspec.json.Encoder().encode,
    decode=msgspec.json.Decoder(Told).decode,
    columns=lambda _: (),
)

service: Final = Service(
    name="orders",
    router=APIRouter(),
    migrations="",
    marks=True,
    kit=lambda _policy, _calendars, time: Kit("orders", RULES, StreamColumns(), _no_world, time),
)
"""A log of its own: the masonry's tables and nothing else."""

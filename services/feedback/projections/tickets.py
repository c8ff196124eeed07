"""Tickets as stored (工单查询): one by its id, many by who they concern."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from shared.events.feedback import FACTS, TicketFact
from shared.kernel.codes import subtree_prefix
from shared.runtime.actors import Actor

_DECODERS: Final = {type_: msgspec.json.Decoder(form) for type_, form in FACTS.items()}

_ADDRESSED = "string_to_array(addressees, ' ') @> ARRAY[{}::text]"


def stream_of(ticket_id: str) -> str:
    """The stream of one ticket."""
    return f"ticket-{ticket_id}"


async def find_state(connection: Any, ticket_id: str) -> bytes | None:
    """The ticket's state as it stands."""
    state: bytes | None = await connection.fetchval(
        "SELECT state FROM streams WHERE stream = $1", stream_of(ticket_id)
    )
    return state


async def words_of_opening(connection: Any, ticket_id: str) -> Any:
    """What the hospital said when it opened the ticket, as the log keeps it (提交原文)."""
    payload = await connection.fetchval(
        "SELECT payload FROM events WHERE stream = $1 AND version = 1", stream_of(ticket_id)
    )
    return None if payload is None else msgspec.json.decode(payload)["data"]


async def told_of(connection: Any, ticket_id: str) -> list[tuple[str, TicketFact]]:
    """Every fact of the ticket in its order (工单事实)."""
    rows = await connection.fetch(
        "SELECT type, fact FROM events WHERE stream = $1 ORDER BY version", stream_of(ticket_id)
    )
    return [(row["type"], _DECODERS[row["type"]].decode(row["fact"])) for row in rows]


class TicketFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which tickets a list asks for (筛选条件)."""

    state: str | None = None
    level: str | None = None
    bureau: str | None = None
    hospital_id: str | None = None
    addressee: str | None = None
    supervised: bool | None = None


async def list_states(
    connection: Any, actor: Actor, wanted: TicketFilter, *, after: str, limit: int
) -> list[bytes]:
    """Tickets this caller may see, by id (可见范围: contract, section 2)."""
    values: list[Any] = [stream_of(after), limit]
    where = ["stream > $1", "hospital_id IS NOT NULL", *_visible(actor, values)]
    for column, value in (
        ("ticket_state", wanted.state),
        ("level", wanted.level),
        ("bureau", wanted.bureau),
        ("hospital_id", wanted.hospital_id),
    ):
        if value is not None:
            where.append(f"{column} = {_parameter(values, value)}")
    if wanted.addressee is not None:
        where.append(_ADDRESSED.format(_parameter(values, wanted.addressee)))
    if wanted.supervised is not None:
        where.append(f"level IS {'NOT ' * wanted.supervised}NULL")
    rows = await connection.fetch(
        f"SELECT state FROM streams WHERE {' AND '.join(where)} ORDER BY stream LIMIT $2", *values
    )
    return [row["state"] for row in rows]


def _visible(actor: Actor, values: list[Any]) -> list[str]:
    """What `may_see` asks of one ticket, over the columns of their rows."""
    if actor.sees_everything or actor.role == "finance":
        return []
    match actor.role:
        case "hospital":
            return [f"hospital_id = {_parameter(values, actor.organisation)}"]
        case "distributor" | "manufacturer":
            return [_ADDRESSED.format(_parameter(values, actor.organisation))]
        case "bureau":
            area = _parameter(values, f"H{subtree_prefix(actor.organisation)}")
            return [f"starts_with(hospital_id, {area})"]
    return ["false"]


def _parameter(values: list[Any], value: Any) -> str:
    values.append(value)
    return f"${len(values)}"

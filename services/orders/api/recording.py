"""Putting register entries (登记): checks that span entries, then one transaction behind the gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec
from pydantic import ValidationError

from services.orders.api.bodies import BODIES
from services.orders.projections.registers import Entry, changed_entries, store_entries, stored
from shared.events.envelope import written
from shared.events.reference import ResourcePut, reference_type
from shared.events.topics import REFERENCE
from shared.kernel.codes import division_of, is_hospital_id, is_path_id, is_uscc
from shared.kernel.errors import Refusal, malformed
from shared.runtime.actors import Actor
from shared.runtime.deciding import instant_of, transact
from shared.runtime.room import Room
from shared.store.locks import lock_gate
from shared.store.log import Head, NewEvent, append, hint, load, take_positions

_NAMES = {
    "manufacturer": ("生产企业", "organisation"),
    "hospital": ("医疗机构", "organisation"),
    "distributor": ("配送企业", "organisation"),
    "product": ("产品", "product"),
    "batch": ("批次", "batch"),
}


def entry_of(kind: str, id_: str, body: Any) -> Entry:
    """The entry behind an id and a body; a malformed Refusal otherwise."""
    try:
        parsed = BODIES[kind].model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        pointer = "".join(f"/{part}" for part in first["loc"])
        raise malformed(f"{pointer}: 格式不符 ({first['msg']})", first["msg"], pointer) from None
    _check_id(kind, id_, parsed)
    return Entry(kind, id_, body)


def _check_id(kind: str, id_: str, body: Any) -> None:
    if kind != "organisation":
        if not is_path_id(id_):
            raise malformed("编号格式不正确", "the id does not have the form of an id", "/id")
        return
    is_hospital = "hospital" in body.kinds
    if not (is_hospital_id(id_) if is_hospital else is_uscc(id_)):
        raise malformed(
            "医疗机构代码为 H 加 11 位数字, 企业为统一社会信用代码",
            "a hospital's id is H and 11 digits, an enterprise's its USCC",
            "/id",
        )
    if is_hospital and len(set(body.kinds)) > 1:
        raise malformed("医疗机构不能兼任企业", "a hospital has no other kind", "/kinds")
    if is_hospital and body.division != division_of(id_):
        raise malformed("区划应与机构代码一致", "division equals the code in the id", "/division")


def references(entry: Entry) -> list[tuple[str, str, str]]:
    """What an entry refers to: (kind of thing, id, pointer)."""
    body = entry.body
    match entry.kind:
        case "product":
            return [("manufacturer", body["manufacturer_id"], "/manufacturer_id")]
        case "batch":
            return [
                ("product", item["product_id"], f"/{heading}/{n}/product_id")
                for heading in ("main", "backup")
                for n, item in enumerate(body[heading])
            ]
        case "agreement":
            return [
                (k, body[f"{k}_id"], f"/{k}_id")
                for k in ("batch", "hospital", "product", "distributor")
            ]
        case "listing":
            return [("product", entry.id, "/product_id")]
        case "demand-report":
            return [(k, body[f"{k}_id"], f"/{k}_id") for k in ("batch", "hospital")]
    return []


async def put_entries(
    room: Room, actor: Actor, entries: Sequence[Entry], *, dry_run: bool = False
) -> list[Refusal | None]:
    """Put entries in order, all that can be; answers a refusal or None for each.

    Later entries may refer to earlier ones. Durable when it returns.
    """
    return await transact(room, lambda tx: _put(tx, room, actor, entries, dry_run=dry_run))


async def _put(
    tx: asyncpg.Connection, room: Room, actor: Actor, entries: Sequence[Entry], *, dry_run: bool
) -> list[Refusal | None]:
    await lock_gate(tx, room.service.name)
    head, _ = await load(tx, [])
    now = instant_of(room, head)
    refusals = await _check_references(tx, entries)
    good = [e for e, refusal in zip(entries, refusals, strict=True) if refusal is None]
    changed = await changed_entries(tx, good)
    if changed and not dry_run:
        await store_entries(tx, changed, head.world + 1)
        events = [_event(entry, version, actor, head, now) for entry, version in changed]
        await append(tx, events, await take_positions(tx, len(events)))
        await hint(tx)
    return refusals


def _event(entry: Entry, version: int, actor: Actor, head: Head, now: Any) -> NewEvent:
    type_, source = reference_type(entry.kind), f"urn:jicai:{actor.organisation}"
    event_id = f"{entry.kind}-{entry.id}-v{version}"
    data = {**entry.body, "id": entry.id}
    sha256, payload = written(source=source, id=event_id, type=type_, time=now, data=data)
    fact = msgspec.json.encode(ResourcePut(kind=entry.kind, id=entry.id, body=entry.body))
    return NewEvent(
        REFERENCE, f"{entry.kind}-{entry.id}", version, source, event_id, type_, now, now,
        sha256, payload, fact,
    )  # fmt: skip


async def _check_references(
    tx: asyncpg.Connection, entries: Sequence[Entry]
) -> list[Refusal | None]:
    """An unknown_<kind> for the first reference of each entry that stands nowhere before it."""
    wanted: dict[str, set[str]] = {}
    for entry in entries:
        for kind, id_, _ in references(entry):
            wanted.setdefault(_NAMES[kind][1], set()).add(id_)
    known = {kind: await stored(tx, kind, sorted(ids)) for kind, ids in wanted.items()}
    refusals: list[Refusal | None] = []
    for entry in entries:
        refusal = _first_unknown(entry, known)
        refusals.append(refusal)
        if refusal is None:
            known.setdefault(entry.kind, {})[entry.id] = entry.body
    return refusals


def _first_unknown(entry: Entry, known: dict[str, dict[str, dict[str, Any]]]) -> Refusal | None:
    for kind, id_, pointer in references(entry):
        body = known.get(_NAMES[kind][1], {}).get(id_)
        if body is None or (_NAMES[kind][1] == "organisation" and kind not in body["kinds"]):
            return Refusal(
                f"unknown_{kind}",
                f"{_NAMES[kind][0]} {id_} 未登记",
                f"{kind} {id_} is not registered",
                pointer=pointer,
            )
    return None

"""Acts on an alert or a list (知悉, 签收): over the desk, and the first one stands."""

from __future__ import annotations

from typing import Final

from services.alerts.commands import Acknowledge, IssuePublication, ReceiveList
from shared.kernel.decider import Sent
from shared.runtime.actors import Actor
from shared.runtime.problems import refusal_problem
from shared.runtime.room import Room

DONE_BEFORE: Final = frozenset({"already_acknowledged", "already_served", "already_published"})
"""Somebody was first: the resource is answered as it is."""


Command = Acknowledge | ReceiveList | IssuePublication


async def act(room: Room, actor: Actor, stream: str, command: Command) -> None:
    """Record it, or find it recorded; durable when it returns."""
    assert room.desk is not None
    # What it becomes is a fact of the platform's own, written when it is decided.
    sent = Sent(
        stream=stream,
        source=f"urn:jicai:{actor.organisation}",
        event_id=stream,
        type="",
        occurred_at=await room.now(),
        sha256=b"",
        payload=b"",
        command=command,
        role=actor.role,
        organisation=actor.organisation,
    )
    [verdict] = await room.desk.submit([sent])
    if verdict.refusal is not None and verdict.refusal.code not in DONE_BEFORE:
        raise refusal_problem(verdict.refusal)

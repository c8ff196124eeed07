"""What somebody says of a ticket, as an event of theirs (CloudEvents), dated by our clock."""

from __future__ import annotations

from datetime import datetime

from services.feedback.api.bodies import Said
from services.feedback.commands import Act, OpenTicket
from services.feedback.projections.tickets import stream_of
from shared.events.envelope import written
from shared.kernel.decider import Sent
from shared.runtime.actors import Actor


def as_sent(
    actor: Actor,
    ticket_id: str,
    event_id: str,
    type_: str,
    command: OpenTicket | Act,
    words: Said,
    now: datetime,
) -> Sent:
    """The event that the desk is handed; its source is the organisation that speaks."""
    source = f"urn:jicai:{actor.organisation}"
    sha256, payload = written(source=source, id=event_id, type=type_, time=now, data=words)
    return Sent(
        stream=stream_of(ticket_id),
        source=source,
        event_id=event_id,
        type=type_,
        occurred_at=now,
        sha256=sha256,
        payload=payload,
        command=command,
        role=actor.role,
        organisation=actor.organisation,
    )

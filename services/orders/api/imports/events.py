"""Groups as CloudEvents (导入事件): ids that hash their content, times that a second upload repeats."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from services.orders.api.imports.groups import Group
from shared.kernel.canonical import canonical
from shared.kernel.clock import utc_text

CHUNK: Final = 1000
"""So many events are judged at once, like a batch sent as JSON."""


@dataclass(slots=True)
class SheetEvent:
    """One event of a sheet; without `said_at` its instant is not part of what was said."""

    group: Group
    id: str
    said_at: str | None

    def encoded(self, source: str, at: datetime) -> bytes:
        """The event as its sender would have posted it."""
        return msgspec.json.encode(
            {
                "specversion": "1.0",
                "id": self.id,
                "source": source,
                "type": self.group.kind.event_type,
                "time": self.said_at or utc_text(at),
                "datacontenttype": "application/json",
                "data": self.group.body,
            }
        )


def sheet_event(group: Group) -> SheetEvent:
    """The event of these rows. The same rows give the same id, whenever they are sent."""
    said: dict[str, object] = {"type": group.kind.event_type, "data": group.body}
    if group.time is not None:
        said["time"] = group.time
    digest = hashlib.sha256(canonical(said)).hexdigest()
    return SheetEvent(group, f"sheet-{digest[:32]}", group.time)


def chunks(events: Sequence[SheetEvent]) -> Iterator[list[SheetEvent]]:
    """Runs of about a thousand events; all of one order are judged together, in their order."""
    by_order: dict[object, list[SheetEvent]] = {}
    for event in events:
        by_order.setdefault(event.group.body.get("order_id"), []).append(event)
    chunk: list[SheetEvent] = []
    for together in by_order.values():
        if chunk and len(chunk) + len(together) > CHUNK:
            yield chunk
            chunk = []
        chunk += together
    if chunk:
        yield chunk

"""The topic of open alerts (未解除预警): the alert while it is open, a tombstone once it is cleared."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from shared.events.alerts import ALERT_ACKNOWLEDGED, ALERT_CLEARED, ALERT_RAISED, Alert
from shared.events.envelope import Record
from shared.events.topics import ALERTS_OPEN

_OF_ALERTS = frozenset({ALERT_RAISED, ALERT_CLEARED, ALERT_ACKNOWLEDGED})
_decoder = msgspec.json.Decoder(Alert)


def kept(record: Record) -> Sequence[tuple[str, bytes | None]]:
    """What a fact leaves on the compacted topic.

    By the alert's state and not by the fact's type: a cleared alert may still be acknowledged, and
    must not come back by it.
    """
    if record.type not in _OF_ALERTS:
        return ()
    is_open = _decoder.decode(record.fact).state == "open"
    return ((ALERTS_OPEN, record.fact if is_open else None),)

"""The same counts by Quix Streams: `python -m bench.quix_app BOOTSTRAP GROUP STATE_DIR`.

Its own means throughout: two topics put together, a store (RocksDB with its changelog) per order,
the changes grouped by distributor and day, and a second store for the sums. Ends when nothing more
comes; prints one JSON line. Runs in an environment of its own, so it imports nothing of ours but
the counting.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

from quixstreams import Application

from bench.counting import Line, changes
from bench.peer_facts import named, put

QUIET_SECONDS = 10.0


def main(bootstrap: str, group: str, state_dir: str) -> None:
    """Count until it is quiet."""
    seen: dict[str, float] = {}

    def note(*_: Any) -> None:
        seen["last"] = time.time()
        if "first" not in seen:
            seen["first"], seen["cpu"] = seen["last"], _cpu()

    app = Application(
        broker_address=bootstrap,
        consumer_group=group,
        auto_offset_reset="earliest",
        state_dir=state_dir,
        loglevel="WARNING",
        on_message_processed=note,
    )
    orders, deliveries = (
        app.dataframe(app.topic(name, key_deserializer="str", value_deserializer="json"))
        for name in ("jicai.orders.v1", "jicai.deliveries.v1")
    )
    sums: dict[str, list[int]] = {}
    facts = orders.concat(deliveries)
    changed = facts.apply(tell, stateful=True, metadata=True, expand=True)
    grouped = changed.group_by(lambda change: change["of"], name="distributor_and_day")
    grouped.apply(add, stateful=True).update(lambda sum_: sums.update({sum_["of"]: sum_["is"]}))
    app.run(timeout=QUIET_SECONDS)
    cpu = _cpu() - seen["cpu"]
    print(json.dumps({"seconds": seen["last"] - seen["first"], "cpu": cpu, "sums": sums}))


def tell(fact: Any, _key: Any, _timestamp: int, headers: Any, state: Any) -> list[dict[str, Any]]:
    """Put a fact on the lines of its order; what the sums change by."""
    type_ = dict(headers)["ce_type"].decode()
    if "order_id" not in fact:
        return []  # a mark: no fact of an order
    lines = {id_: Line(*row) for id_, row in state.get("lines", {}).items()}
    before = {id_: line.counts() for id_, line in lines.items()}
    touched = {id_: lines.setdefault(id_, Line()) for id_ in named(type_, fact)}
    put(type_, fact, touched)
    state.set("lines", {id_: line.row() for id_, line in lines.items()})
    befores = [before.get(id_, (0, 0, 0, 0)) for id_ in touched]
    return [
        {"of": f"{distributor} {day}", "by": values}
        for (distributor, day), values in changes(befores, touched.values()).items()
    ]


def add(change: dict[str, Any], state: Any) -> dict[str, Any]:
    """Add a change to the sums of its distributor and day."""
    known = state.get("sums", [0, 0, 0, 0])
    sums = [a + b for a, b in zip(known, change["by"], strict=True)]
    state.set("sums", sums)
    return {"of": change["of"], "is": sums}


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(*sys.argv[1:])

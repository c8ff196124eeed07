"""Every figure that is measured: which measurement gives it, and what it should reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the results. Without a goal it stands there to be compared with its neighbours."""

    name: str
    by: str
    """The measurement that gives it: a name of `python -m bench`."""
    what: str
    goal: str = ""
    """`≥ 0.5` or `≤ 2`, of the ratio."""

    def is_reached(self, ratio: float) -> bool | None:
        """Whether a ratio is as it should be; None where nothing is asked."""
        if not self.goal:
            return None
        return ratio >= self.bound if self.goal.startswith("≥") else ratio <= self.bound

    @property
    def bound(self) -> float:
        """The number of the goal."""
        return float(self.goal.split()[1])


CHAPTERS: Final[dict[str, tuple[Figure, ...]]] = {
    "Facts in": (
        Figure("ingest_vs_raw", "ingest_vs_raw", "rate over bare ASGI + msgspec + one INSERT", "≥ 0.5"),
        Figure("ingest_two_replicas_vs_raw", "ingest_vs_raw", "two processes of ours over one of the same"),
        Figure("ingest_vs_fastapi_core", "ingest_vs_fastapi_core",
               "rate over FastAPI + pydantic + SQLAlchemy Core", "≥ 1"),
        Figure("single_vs_each", "single_vs_each",
               "single posts, group commit over a transaction a request, same server", "≥ 1.8"),
        Figure("single_vs_raw", "single_vs_each", "single posts over bare ASGI with an INSERT a request"),
        Figure("append_vs_eventsourcing", "append_vs_eventsourcing",
               "rate over pyeventsourcing, 500 a call, rules as simple", "≥ 4"),
        Figure("append_orders_vs_eventsourcing", "append_vs_eventsourcing",
               "the same, ours with the rules of orders"),
        Figure("append_vs_message_db", "append_vs_message_db",
               "rate, 500 a call, over a message a call as message-db writes it", "≥ 10"),
    ),
    "The stream": (
        Figure("stream_vs_hand", "stream_vs_hand", "rate over door, relay and consumer by hand", "≥ 0.6"),
        Figure("stream_same_door_vs_hand", "stream_vs_hand", "our door on both sides", "≥ 0.6"),
        Figure("stream_vs_hand_log", "stream_vs_hand_log", "over the log, without a broker"),
        Figure("stream_vs_quix", "stream_vs_quix", "rate over Quix Streams, same topics", "≥ 2"),
        Figure("stream_vs_faust", "stream_vs_faust", "rate over Faust, same topics", "≥ 2"),
        Figure("latency_p50_vs_hand", "latency_vs_hand", "POST to scorecard at a tenth of the rate", "≤ 3"),
        Figure("latency_p99_vs_hand", "latency_vs_hand", "the same, 99th of a hundred", "≤ 5"),
        Figure("latency_loaded", "latency_loaded", "own p99 at 70 % of the rate over that at 10 %", "≤ 10"),
        Figure("window_vs_dict", "window_vs_dict",
               "folding in memory, decoding included, over a dict by hand", "≥ 0.5"),
    ),
    "Read models": (
        Figure("fold_vs_hand", "fold_vs_hand", "rate over two SQL statements, columns filled", "≥ 0.2"),
        Figure("rebuild_vs_sql", "rebuild_vs_sql", "`jicai rebuild alerts` over the same", "≥ 0.2"),
        Figure("rebuild_vs_live", "rebuild_vs_sql", "the same over the rate from POST to scorecard", "≥ 8"),
        Figure("scorecards_one", "scorecards", "one subject, 1 M lines: share of 20 ms", "≤ 1"),
        Figure("scorecards_all", "scorecards", "all 600 distributors: share of 500 ms", "≤ 1"),
    ),
    "Deadlines": (
        Figure("fire_vs_hand", "fire_vs_hand", "time for 10,000 at one 24:00 over a loop by hand", "≤ 2"),
        Figure("empty_poll_growth", "fire_vs_hand", "an idle look behind 1 M fired over one where none has", "≤ 1.1"),
        Figure("fire_delay", "fire_delay", "p99 from due to fired, 1 M pending, in seconds", "≤ 1"),
    ),
    "Money": (
        Figure("settle_vs_sql", "settle_vs_sql", "time of a month of 5 M lines over SQL by hand", "≤ 2"),
        Figure("settle_confirmed_vs_sql", "settle_vs_sql", "the same with both confirmations"),
        Figure("settle_again", "settle_vs_sql", "the same once more over the first time", "≤ 0.02"),
        Figure("post_vs_transfers", "post_vs_transfers",
               "entries posted over transfers row by row with balances", "≥ 20"),
    ),
    "History": (
        Figure("growth_ingest", "cost_growth", "CPU an event at 10 M events over that at 0.1 M", "≤ 1.1"),
        Figure("growth_duplicates", "cost_growth", "the same, of events that stand already", "≤ 1.1"),
        Figure("growth_relay", "cost_growth", "the same, log to broker", "≤ 1.1"),
        Figure("growth_consumer", "cost_growth", "the same, log to rows", "≤ 1.1"),
    ),
    "Memory and restarts": (
        Figure("memory_consumer", "memory_consumer", "bytes an event that the consumer keeps", "≤ 1"),
        Figure("memory_api", "memory_api", "growth under 64 bodies of 4 MB: share of 150 MB", "≤ 1"),
        Figure("restart", "restart", "kill -9 of PostgreSQL to an answer: share of 15 s", "≤ 1"),
    ),
}  # fmt: skip

FIGURES: Final = {figure.name: figure for some in CHAPTERS.values() for figure in some}
"""All of them by name."""

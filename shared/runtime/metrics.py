"""What is measured (监控指标): `jicai_*` in base units, no organisation as a label."""

from __future__ import annotations

from typing import Any

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("jicai_http_requests_total", "HTTP requests", ("route", "method", "status"))
REQUEST_SECONDS = Histogram(
    "jicai_http_request_duration_seconds", "From the request's head to the answer's end",
    ("route", "method"), buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)  # fmt: skip
VERDICTS = Counter("jicai_verdicts_total", "Verdicts on events", ("service", "status"))
BATCH_EVENTS = Histogram(
    "jicai_batch_events", "Events per committed batch", ("service",),
    buckets=(1, 5, 20, 50, 100, 250, 500, 1000),
)  # fmt: skip
PARKED = Counter("jicai_parked_facts_total", "Facts parked since the start", ("service",))
CLOSE_LATENESS = Gauge(
    "jicai_close_lateness_seconds", "How late the last close ran after its instant", ("service",)
)
CONSUMER_PROGRESS = Gauge(
    "jicai_consumer_progress_timestamp_seconds", "When the consumer last moved", ("service",)
)
RELAY_PROGRESS = Gauge(
    "jicai_relay_progress_timestamp_seconds", "When the relay last moved", ("service",)
)
RELAYED = Counter("jicai_relayed_facts_total", "Facts published", ("service",))
DEADLINE_LATENESS = Histogram(
    "jicai_deadline_lateness_seconds", "How long after its instant a timer fired", ("service",),
    buckets=(0.5, 1, 2, 5, 15, 60, 300, 3600, 86400),
)  # fmt: skip
WATCHED = Gauge("jicai_watch_timestamp_seconds", "When the watch last looked", ("service",))
TICKETS_WITHOUT_STEP = Gauge(
    "jicai_tickets_without_step", "Tickets that were due and had no step when the watch last looked"
)

# Asked of the database at scrape time; see `measuring`.
DATABASE_UP = Gauge("jicai_database_up", "1 where the database answered this scrape, else 0")
HORIZON_AGE = Gauge(
    "jicai_horizon_age_seconds", "Age of the oldest transaction that readers wait for"
)
CONSUMER_LAG = Gauge(
    "jicai_consumer_lag_records", "Records behind the consumer's cursor", ("service", "topic")
)
RELAY_LAG = Gauge("jicai_relay_lag_records", "Records not yet published", ("service",))
PARKED_KEYS = Gauge("jicai_parked_keys", "Keys whose facts wait on the shelf", ("service",))
HELD_PARTITIONS = Gauge("jicai_held_partitions", "Partitions that wait for a close", ("service",))
HELD_AGE = Gauge(
    "jicai_held_age_seconds", "Age of the oldest close that partitions wait for", ("service",)
)
DEADLINE_OVERDUE = Gauge(
    "jicai_deadline_overdue_seconds", "How long the earliest deadline has been due", ("service",)
)
FROM_DATABASE = (
    CONSUMER_LAG, RELAY_LAG, PARKED_KEYS, HELD_PARTITIONS, HELD_AGE, DEADLINE_OVERDUE,
)  # fmt: skip
"""Taken off the page while the database is away: an old figure there would look like a good one."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def observe_request(scope: Any, status: int, seconds: float) -> str:
    """Count one answered request under its route, not its path: paths hold ids. Returns the route."""
    context = scope.get("fastapi", {}).get("effective_route_context")
    found = getattr(context, "path_format", None) or getattr(scope.get("route"), "path", None)
    route: str = found or "other"
    # The caller chooses the method's name: any word would make a new series.
    method = scope["method"] if scope["method"] in _METHODS else "other"
    REQUESTS.labels(route, method, str(status)).inc()
    REQUEST_SECONDS.labels(route, method).observe(seconds)
    return route

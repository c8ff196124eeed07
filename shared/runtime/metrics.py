"""What is measured (监控指标): `jicai_*` in base units, no organisation as a label."""

from __future__ import annotations

from typing import Any

from prometheus_client import Counter, Histogram

REQUESTS = Counter("jicai_http_requests_total", "HTTP requests", ("route", "method", "status"))
VERDICTS = Counter("jicai_verdicts_total", "Verdicts on events", ("service", "status"))
BATCH_EVENTS = Histogram(
    "jicai_batch_events", "Events per committed batch", ("service",),
    buckets=(1, 5, 20, 50, 100, 250, 500, 1000),
)  # fmt: skip


def observe_request(scope: Any, status: int) -> None:
    """Count one answered request under its route, not its path: paths hold ids."""
    context = scope.get("fastapi", {}).get("effective_route_context")
    route = getattr(context, "path_format", None) or getattr(scope.get("route"), "path", "other")
    REQUESTS.labels(route, scope["method"], str(status)).inc()

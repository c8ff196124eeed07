"""Structured logs with the trace id of the request (结构化日志)."""

from __future__ import annotations

import logging
import re
import secrets
import sys

import structlog
from starlette.requests import Request

_TRACEPARENT = re.compile(r"^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$")


def configure(level: str = "INFO", *, as_json: bool = True) -> None:
    """One line per event on standard error: JSON for machines, words for people."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def trace_id_of(request: Request) -> str:
    """The caller's trace id (W3C traceparent), or a fresh one for this request."""
    known: str | None = getattr(request.state, "trace_id", None)
    if known is None:
        found = _TRACEPARENT.match(request.headers.get("traceparent", ""))
        known = found.group(1) if found else secrets.token_hex(16)
        request.state.trace_id = known
    return known

"""Structured logs with the trace id of the request (结构化日志)."""

from __future__ import annotations

import contextlib
import logging
import re
import secrets
import sys
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Final, TextIO

import structlog
from starlette.requests import Request

_traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)
_TRACEPARENT = re.compile(r"^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$")

SILENT_ROUTES: Final = frozenset({"/livez", "/metrics"})
"""Asked every few seconds by machines: their answers get no access line."""

_PATIENCE_SECONDS: Final = 10.0

_SHARED: Final[tuple[structlog.typing.Processor, ...]] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
)


def configure(level: str = "INFO", *, as_json: bool = True, stream: TextIO | None = None) -> None:
    """One line per event on standard error: JSON for machines, words for people.

    What libraries say through `logging` comes out in the same form.
    """
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[*_SHARED, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.addFilter(_Patience())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *_SHARED],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(logging.WARNING, logging.getLevelName(level)))


class _Patience(logging.Filter):
    """One line of a kind in ten seconds from a Kafka client: without its broker it says ten a second."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """A kind is the words before their values are put in."""
        if not record.name.startswith("aiokafka"):
            return True
        now, kind = time.monotonic(), (record.name, str(record.msg))
        if now - self._last.get(kind, -_PATIENCE_SECONDS) < _PATIENCE_SECONDS:
            return False
        self._last[kind] = now
        return True


@contextlib.contextmanager
def bind_trace(request: Request) -> Iterator[None]:
    """Every line written meanwhile, however deep, carries the request's trace id; so do its facts."""
    trace_id = trace_id_of(request)
    given = request.headers.get("traceparent", "")
    is_good = _TRACEPARENT.match(given) is not None
    token = _traceparent.set(given if is_good else f"00-{trace_id}-{secrets.token_hex(8)}-01")
    try:
        with structlog.contextvars.bound_contextvars(trace_id=trace_id):
            yield
    finally:
        _traceparent.reset(token)


def current_traceparent() -> str | None:
    """The trace that the work in hand belongs to (W3C); None outside a request."""
    return _traceparent.get()


def is_traceparent(text: str) -> bool:
    """Whether a sender's own trace may be carried on."""
    return _TRACEPARENT.match(text) is not None


def trace_id_of(request: Request) -> str:
    """The caller's trace id (W3C traceparent), or a fresh one for this request."""
    known: str | None = getattr(request.state, "trace_id", None)
    if known is None:
        found = _TRACEPARENT.match(request.headers.get("traceparent", ""))
        known = found.group(1) if found else secrets.token_hex(16)
        request.state.trace_id = known
    return known

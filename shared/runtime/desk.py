"""The write desk: requests that wait together are committed together (group commit).

A few workers take what is waiting, join it up to a thousand events, and send it down the one road
of `handling`. Joining never mixes fates: each request gets its own verdicts, and a batch that fails
as a whole is tried again request by request.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import asyncpg
import structlog

from shared.kernel.decider import Sent
from shared.kernel.errors import Problem
from shared.runtime.handling import Kit, MarkMissing, handle
from shared.runtime.judging import Verdict
from shared.runtime.logs import current_traceparent
from shared.runtime.marks import append_marks
from shared.runtime.metrics import BATCH_EVENTS, VERDICTS
from shared.store.locks import STREAMS_MAX

S = TypeVar("S")
W = TypeVar("W")

JOINED_MAX: Final = 1000
WAITING_MAX: Final = 20_000
TRIES_MAX: Final = 6
RETRYABLE: Final = (
    asyncpg.UniqueViolationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.OutOfMemoryError,
    asyncpg.LockNotAvailableError,
)
UNAVAILABLE: Final = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DiskFullError,
    TimeoutError,
)

log = structlog.get_logger()


def unavailable() -> Problem:
    """503: nothing is lost, send it again (服务暂不可用)."""
    return Problem(
        503,
        "unavailable",
        "数据库暂时不可用, 请稍后用同样的内容重发; 已登记的不会重复",
        "the database is not available; send the same again later, nothing is recorded twice",
        headers={"Retry-After": "1"},
    )


@dataclass(slots=True)
class _Request:
    batch: Sequence[Sent]
    answer: asyncio.Future[list[Verdict]]


class _DryRun(Exception):
    """Carries the verdicts of a dry run out of a transaction that must not commit."""

    def __init__(self, verdicts: list[Verdict]) -> None:
        super().__init__()
        self.verdicts = verdicts


class Desk(Generic[S, W]):
    """Takes batches of sent events, answers verdicts; durable before it answers."""

    def __init__(
        self, pool: asyncpg.Pool, kit: Kit[S, W], *, hint: Callable[[], None], workers: int = 2
    ) -> None:
        self._pool = pool
        self.kit = kit
        self._hint = hint
        self._waiting: deque[_Request] = deque()
        self._waiting_events = 0
        self._idle = asyncio.Semaphore(workers)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_full(self) -> bool:
        """Too much waits: refuse before the body is read."""
        return self._waiting_events >= WAITING_MAX

    async def submit(self, batch: Sequence[Sent]) -> list[Verdict]:
        """Judge and record; returns when the accepted ones are durable."""
        if not batch:
            return []
        trace = current_traceparent()
        for sent in batch:
            sent.traceparent = sent.traceparent or trace
        request = _Request(batch, asyncio.get_running_loop().create_future())
        self._waiting.append(request)
        self._waiting_events += len(batch)
        if not self._idle.locked():
            await self._idle.acquire()
            # Whose request starts it says nothing: a worker serves many, under no one's trace id.
            task = asyncio.create_task(self._work(), context=Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        # A client that goes away does not take its neighbours' commit with it.
        return await asyncio.shield(request.answer)

    async def dry_run(self, batch: Sequence[Sent]) -> list[Verdict]:
        """Every check, nothing stored."""
        try:
            await self._commit(batch, dry_run=True)
        except _DryRun as done:
            return done.verdicts
        return []

    async def drain(self) -> None:
        """Wait until nothing is in hand (SIGTERM)."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._serve(self._next_requests())
        finally:
            self._idle.release()

    def _next_requests(self) -> list[_Request]:
        taken: list[_Request] = []
        events, streams = 0, set[str]()
        while self._waiting:
            batch = self._waiting[0].batch
            names = streams | {sent.stream for sent in batch}
            if taken and (events + len(batch) > JOINED_MAX or len(names) > STREAMS_MAX):
                break
            taken.append(self._waiting.popleft())
            events, streams = events + len(batch), names
        self._waiting_events -= events
        return taken

    async def _serve(self, requests: list[_Request]) -> None:
        joined = [sent for request in requests for sent in request.batch]
        try:
            verdicts = await self._commit(joined)
        except Exception as error:
            if len(requests) > 1 and not isinstance(error, Problem):
                for request in requests:
                    await self._serve([request])
                return
            _fail(requests, error)
            return
        BATCH_EVENTS.labels(self.kit.service).observe(len(joined))
        for status, count in Counter(verdict.status for verdict in verdicts).items():
            VERDICTS.labels(self.kit.service, status).inc(count)
        self._hint()
        start = 0
        for request in requests:
            end = start + len(request.batch)
            if not request.answer.done():
                request.answer.set_result(verdicts[start:end])
            start = end

    async def _commit(self, batch: Sequence[Sent], *, dry_run: bool = False) -> list[Verdict]:
        tries = 0
        while True:
            try:
                async with self._pool.acquire() as connection, connection.transaction():
                    verdicts = await handle(connection, self.kit, batch, dry_run=dry_run)
                    if dry_run:
                        raise _DryRun(verdicts)
                    return verdicts
            except MarkMissing:
                await append_marks(self._pool, self.kit)
            except RETRYABLE as error:
                tries += 1
                if tries >= TRIES_MAX:
                    raise
                log.info("desk.retry", service=self.kit.service, error=str(error), tries=tries)
                await asyncio.sleep(random.uniform(0, 0.02 * tries))  # noqa: S311 (jitter)
            except UNAVAILABLE as error:
                log.warning("desk.unavailable", service=self.kit.service, error=str(error))
                raise unavailable() from error


def _fail(requests: list[_Request], error: Exception) -> None:
    for request in requests:
        if not request.answer.done():
            request.answer.set_exception(error)


def verdict_document(event_id: Any, verdict: Verdict, language: str) -> dict[str, Any]:
    """One verdict as the contract writes it."""
    document: dict[str, Any] = {"id": event_id, "status": verdict.status}
    if verdict.refusal is not None:
        refusal = verdict.refusal
        document["code"] = refusal.code
        document["detail"] = refusal.detail_en if language == "en" else refusal.detail_zh
        if refusal.pointer is not None:
            document["pointer"] = refusal.pointer
        if refusal.retryable:
            document["retryable"] = True
    elif verdict.position is not None:
        document["position"] = verdict.position
    return document

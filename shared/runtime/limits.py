"""Rate limits (限流): what one organisation may send, so that its flood is nobody else's trouble.

GCRA, a token bucket that remembers one number: when it will be full again. Requests are counted before
they are let in; bytes and events are known later, so they may run into debt, and who is in debt waits.
Every process counts for itself, in its own memory: two processes let in twice as much.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from shared.kernel.errors import Problem

REMEMBERED_MAX: Final = 10_000
"""Beyond so many buckets those are forgotten that have become full, for they say nothing any more."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a second for ever, and so many at once; 0 a second is no limit."""

    per_second: float = 0.0
    burst: float = 0.0

    def full_at(self, was: float, now: float, cost: float) -> float:
        """When a bucket will be full again that was to be full at `was`, after it has given `cost`."""
        return max(was, now) + cost / self.per_second

    def wait(self, was: float, now: float, cost: float) -> float:
        """How many seconds until the bucket can give `cost`; 0 when it can."""
        return max(0.0, self.full_at(was, now, cost) - now - self.burst / self.per_second)


class Meter:
    """The buckets of one rate, by whom they count."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._full_at: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._full_at)

    def wait(self, who: str, now: float, cost: float = 0.0) -> float:
        """How many seconds they have to wait for `cost`; for nothing, until they are out of debt."""
        if not self._rate.per_second or who not in self._full_at:
            return 0.0
        return self._rate.wait(self._full_at[who], now, cost)

    def spend(self, who: str, now: float, cost: float) -> None:
        """Take it from their bucket, be it into debt."""
        if not self._rate.per_second or not cost:
            return
        if len(self._full_at) >= REMEMBERED_MAX and who not in self._full_at:
            self._full_at = {name: at for name, at in self._full_at.items() if at > now}
        self._full_at[who] = self._rate.full_at(self._full_at.get(who, now), now, cost)


class RateLimits:
    """What each organisation may still send to this process."""

    def __init__(
        self,
        *,
        requests: Rate = Rate(),
        body_bytes: Rate = Rate(),
        events: Rate = Rate(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._requests = Meter(requests)
        self._bytes = Meter(body_bytes)
        self._events = Meter(events)
        self._clock = clock

    def ask(self, who: str) -> None:
        """429 if they have to wait; nothing is counted, for who asks may yet prove to be another."""
        now = self._clock()
        seconds = max(
            self._requests.wait(who, now, 1),
            self._bytes.wait(who, now),
            self._events.wait(who, now),
        )
        if seconds > 0:
            raise rate_limited(math.ceil(seconds))

    def take(self, who: str, body_bytes: int) -> None:
        """Count one request with so large a body; 429 if they have to wait."""
        self.ask(who)
        now = self._clock()
        self._requests.spend(who, now, 1)
        self._bytes.spend(who, now, body_bytes)

    def spend_events(self, who: str, count: int) -> None:
        """Count the events of a batch that was let in."""
        self._events.spend(who, self._clock(), count)


UNLIMITED: Final = RateLimits()
"""The sandbox's, and that of tests."""


def rates(*, requests: float, body_bytes: float, events: float, burst_seconds: float) -> RateLimits:
    """The limits as an operator sets them: rates a second, and how many seconds' worth come at once."""
    return RateLimits(
        requests=Rate(requests, max(1.0, requests * burst_seconds)),
        body_bytes=Rate(body_bytes, body_bytes * burst_seconds),
        events=Rate(events, events * burst_seconds),
    )


def rate_limited(seconds: int) -> Problem:
    """429: too much at once; what is sent again later is taken (请求过于频繁)."""
    return Problem(
        429,
        "rate_limited",
        f"请求过于频繁, 请在 {seconds} 秒后用同样的内容重发; 已登记的不会重复",
        f"too much at once; send the same again in {seconds} s, nothing is recorded twice",
        headers={"Retry-After": str(seconds)},
    )

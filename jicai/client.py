"""A tiny HTTP client over the public contract.

It knows what every integrator has to know and nothing more: events go in batches, a resend is
safe because the event's id persists, and a busy or absent server is a reason to wait, not to fail.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx2
import msgspec

__all__ = ["Jicai", "Problem", "Unreachable"]

Json = dict[str, Any]

BATCH_SIZE = 500
"""The contract takes 1,000 events and 4 MiB; half of it leaves room for large orders."""
ATTEMPTS = 8
LONGEST_PAUSE = 5.0
BUSY = (429, 503)
CLOCK_TIMEOUT = 600.0
"""Moving the sandbox's clock answers when everything due has happened, which may take minutes."""


class Problem(Exception):
    """The server answered with an error (problem+json) that waiting will not cure."""

    def __init__(self, method: str, path: str, status: int, body: Json) -> None:
        self.status = status
        self.code = str(body.get("code", ""))
        self.body = body
        words = body.get("detail") or body.get("title") or "no explanation"
        super().__init__(f"{method} {path} answered {status} {self.code}: {words}")


class Unreachable(Exception):
    """The server did not answer, or stayed busy, for all attempts."""

    def __init__(self, method: str, path: str, attempts: int, last: str) -> None:
        super().__init__(f"{method} {path} failed {attempts} times, the last time with: {last}")


class Jicai:
    """One caller (`role:organisation`) at one address; siblings by `as_actor` share connections."""

    def __init__(
        self,
        base_url: str,
        actor: str | None,
        *,
        http: httpx2.Client | None = None,
        auth: httpx2.Auth | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.actor = actor
        self._http = http or httpx2.Client(base_url=self.base_url, timeout=60.0, auth=auth)

    def as_actor(self, actor: str) -> Jicai:
        return Jicai(self.base_url, actor, http=self._http)

    def __enter__(self) -> Jicai:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def post_events(
        self, events: Sequence[Mapping[str, Any]], *, batch_size: int = BATCH_SIZE
    ) -> list[Json]:
        """Posts the events in order; one result each: accepted, duplicate or rejected."""
        results: list[Json] = []
        for start in range(0, len(events), batch_size):
            results += self._post_batch(events[start : start + batch_size])
        return results

    def put(self, path: str, body: Mapping[str, Any]) -> Json:
        return self._json("PUT", path, self._send("PUT", path, body=body))

    def post(self, path: str, body: Mapping[str, Any]) -> Json:
        return self._json("POST", path, self._send("POST", path, body=body))

    def put_many(self, resources: Iterable[tuple[str, Mapping[str, Any]]]) -> int:
        """Puts (path, body) pairs in order and says how many there were."""
        count = 0
        for path, body in resources:
            self.put(path, body)
            count += 1
        return count

    def get(self, path: str, **params: object) -> Json:
        return self._json("GET", path, self._send("GET", path, params=params))

    def pages(self, path: str, **params: object) -> Iterator[Json]:
        """Every item of a list, following `next` to its end."""
        while True:
            page = self.get(path, **params)
            yield from page["items"]
            if page.get("next") is None:
                return
            params["after"] = page["next"]

    def clock(self, now: datetime | str | None = None) -> datetime:
        """The sandbox's time; with `now` it is moved forward first, firing all that is due."""
        path = "/sandbox/v1/clock"
        if now is None:
            answer = self.get(path)
        else:
            text = now if isinstance(now, str) else now.isoformat()
            sent = self._send("POST", path, body={"now": text}, timeout=CLOCK_TIMEOUT)
            answer = self._json("POST", path, sent)
        return datetime.fromisoformat(answer["now"])

    def settle(self) -> None:
        """Waits until every consumer of the sandbox has caught up."""
        path = "/sandbox/v1/settle"
        self._json("POST", path, self._send("POST", path, timeout=CLOCK_TIMEOUT))

    def _post_batch(self, events: Sequence[Mapping[str, Any]]) -> list[Json]:
        path = "/orders/v1/events"
        response = self._send("POST", path, body=events, media="application/cloudevents-batch+json")
        body = _body(response)
        if response.status_code == 413 and len(events) > 1:
            half = len(events) // 2
            return self._post_batch(events[:half]) + self._post_batch(events[half:])
        # 422 all_rejected is an answer about every event, not a failure of the request.
        if "results" in body and response.status_code in (200, 207, 422):
            return list(body["results"])
        raise Problem("POST", path, response.status_code, body)

    def _json(self, method: str, path: str, response: httpx2.Response) -> Json:
        body = _body(response)
        if response.status_code >= 400:
            raise Problem(method, path, response.status_code, body)
        return body

    def _send(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Mapping[str, object] | None = None,
        media: str = "application/json",
        timeout: float = 60.0,
    ) -> httpx2.Response:
        """Sends until the server answers; a resend is safe, for ids and PUTs persist."""
        content = None if body is None else msgspec.json.encode(body)
        headers = {} if self.actor is None else {"X-Jicai-Actor": self.actor}
        if content is not None:
            headers["Content-Type"] = media
        query = {k: str(v) for k, v in (params or {}).items() if v is not None}
        last = ""
        for attempt in range(ATTEMPTS):
            pause = min(0.2 * 2**attempt, LONGEST_PAUSE)
            try:
                response = self._http.request(
                    method, path, content=content, headers=headers, params=query, timeout=timeout
                )
            except httpx2.TransportError as error:
                last = repr(error)
            else:
                if response.status_code not in BUSY:
                    return response
                last = f"HTTP {response.status_code}"
                pause = _retry_after(response, pause)
            if attempt < ATTEMPTS - 1:
                time.sleep(pause)
        raise Unreachable(method, path, ATTEMPTS, last)


def _retry_after(response: httpx2.Response, otherwise: float) -> float:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else otherwise


def _body(response: httpx2.Response) -> Json:
    """The JSON object of an answer; what is not one (a proxy's page) becomes a problem's detail."""
    try:
        body = msgspec.json.decode(response.content or b"{}")
    except msgspec.DecodeError:
        body = None
    return body if isinstance(body, dict) else {"detail": response.text[:300]}

"""What somebody outside needs to check a publication: exported JSON and Python's standard library.

Nothing of the product is imported here. `docs/publications.md` says in words what this does.
"""

from __future__ import annotations

import hashlib
import json
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from typing import Any

KINDS = ("distributor", "manufacturer", "product")


class Outsider:
    """Somebody who may read scorecards, and trusts nothing else."""

    def __init__(self, url: str, actor: str) -> None:
        self._url = url
        self._actor = actor

    def get(self, path: str, **query: str) -> Any:
        """One answer."""
        url = f"{self._url}{path}?{urllib.parse.urlencode(query)}"
        request = urllib.request.Request(url, headers={"X-Jicai-Actor": self._actor})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def items(self, path: str, **query: str) -> Iterator[Any]:
        """Every item of a list, in its order."""
        page = self.get(path, **query)
        yield from page["items"]
        while page["next"] is not None:
            page = self.get(path, **query, after=page["next"])
            yield from page["items"]

    def roots(self, publication_id: str) -> tuple[str, str]:
        """The two roots, recomputed from what is answered."""
        return root(self._cards(publication_id)), root(self._evidence(publication_id))

    def _cards(self, publication_id: str) -> Iterator[Any]:
        for kind in KINDS:
            query = {"subject": kind, "publication_id": publication_id}
            yield from self.items("/alerts/v1/scorecards", **query)
        total = self.get("/alerts/v1/scorecards/total", publication_id=publication_id)
        yield from total["items"]

    def _evidence(self, publication_id: str) -> Iterator[Any]:
        total = self.get("/alerts/v1/scorecards/total", publication_id=publication_id)
        for rate in total["definitions"]:
            query = {"subject": "total", "rate": rate, "publication_id": publication_id}
            yield from self.items("/alerts/v1/evidence", **query)


def root(items: Iterable[Any]) -> str:
    """Hash the newline-joined hashes."""
    return sha256("\n".join(sha256(canonical(item)) for item in items))


def canonical(item: Any) -> str:
    """RFC 8785 for what stands in these documents: no floats, keys in plain ASCII."""
    return json.dumps(item, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

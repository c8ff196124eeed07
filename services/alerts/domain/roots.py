"""The root of a long list (根哈希), taken up item by item: memory does not grow with the list."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from shared.kernel.canonical import canonical


class RunningRoot:
    """The hash of the newline-joined hashes of what was added so far, in the order of adding."""

    def __init__(self) -> None:
        self._hash = sha256()
        self._glue = b""

    def add(self, item: dict[str, Any]) -> None:
        """One more item, as it is answered."""
        self._hash.update(self._glue + sha256(canonical(item)).hexdigest().encode())
        self._glue = b"\n"

    def hexdigest(self) -> str:
        """The root of the list as it stands."""
        return self._hash.hexdigest()

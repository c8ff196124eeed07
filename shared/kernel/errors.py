"""What may go wrong and is nobody's bug: refusals with a stable code (拒绝原因)."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """One event or act is refused: a stable code, a sentence in two languages, and where it stands.

    Raised by pure rules; the doors turn it into a verdict or a problem document. Never a 500.
    """

    __slots__ = ("code", "detail_en", "detail_zh", "pointer", "retryable")

    def __init__(
        self, code: str, zh: str, en: str, *, pointer: str | None = None, retryable: bool = False
    ) -> None:
        super().__init__(f"{code}: {en}")
        self.code = code
        self.detail_zh = zh
        self.detail_en = en
        self.pointer = pointer
        self.retryable = retryable


class Problem(Exception):
    """A request that ends with an HTTP error other than 500 (RFC 9457 problem document).

    `errors` holds {pointer, code, detail}; `extra` joins the document as it is; `headers` the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        zh: str,
        en: str,
        *,
        errors: list[dict[str, Any]] | None = None,
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {en}")
        self.status = status
        self.code = code
        self.detail_zh = zh
        self.detail_en = en
        self.errors = errors or []
        self.extra = extra or {}
        self.headers = headers or {}


def malformed(zh: str, en: str, pointer: str | None = None) -> Refusal:
    """The commonest refusal: the value does not have the form the contract asks for (格式错误)."""
    return Refusal("malformed", zh, en, pointer=pointer)

"""The fields that bodies are made of (字段): codes, days, quantities, checked once for all services."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictStr, WithJsonSchema

from shared.kernel.codes import is_division, is_hospital_id, is_path_id, is_uscc
from shared.kernel.quantity import parse_price, parse_quantity


def checked(test: Callable[[str], bool], what: str) -> AfterValidator:
    """Refuse a value that does not pass this test."""

    def check(value: str) -> str:
        if not test(value):
            raise ValueError(what)
        return value

    return AfterValidator(check)


def parsed(parse: Callable[[str], Any], what: str) -> AfterValidator:
    """Refuse a value that this parser refuses; the text itself is kept."""

    def check(value: str) -> str:
        try:
            parse(value)
        except ValueError:
            raise ValueError(what) from None
        return value

    return AfterValidator(check)


def _shown(pattern: str) -> WithJsonSchema:
    """What the document says of a code; the test itself may ask for more."""
    return WithJsonSchema({"type": "string", "pattern": pattern})


def _is_day(text: str) -> bool:
    try:
        return len(text) == 10 and bool(date.fromisoformat(text))
    except ValueError:
        return False


def written_day(text: Any) -> Any:
    """A day of a query as it is written; the framework alone would take seconds since 1970 for one."""
    if not isinstance(text, str) or not _is_day(text):
        raise ValueError("expected a date yyyy-MM-dd")
    return text


def _is_text(text: str) -> bool:
    """No NUL, and no half of a character, which JSON can write and UTF-8 cannot."""
    try:
        return "\0" not in text and text.encode().decode() == text
    except UnicodeEncodeError:
        return False


Words = Annotated[StrictStr, checked(_is_text, "not a text: a NUL, or half a character")]
Text = Annotated[Words, Field(min_length=1, max_length=1000)]
PathId = Annotated[
    StrictStr,
    checked(is_path_id, "expected an id ^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"),
    _shown("^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"),
]
HospitalId = Annotated[
    StrictStr, checked(is_hospital_id, "expected H and 11 digits"), _shown("^H[0-9]{11}$")
]
Uscc = Annotated[
    StrictStr,
    checked(is_uscc, "expected an 18-character USCC with its check character"),
    _shown("^[0-9A-HJ-NPQRTUWXY]{18}$"),
]
Division = Annotated[
    StrictStr, checked(is_division, "expected a 6-digit division"), _shown("^[0-9]{6}$")
]
Day = Annotated[
    StrictStr,
    checked(_is_day, "expected a date yyyy-MM-dd"),
    WithJsonSchema({"type": "string", "format": "date"}),
]
Price = Annotated[StrictStr, parsed(parse_price, "expected yuan, at most 4 decimals")]
Quantity = Annotated[StrictStr, parsed(parse_quantity, "expected a decimal string above 0")]
QuantityOrZero = Annotated[
    StrictStr, parsed(lambda t: parse_quantity(t, zero=True), "expected a decimal string")
]


class Body(BaseModel):
    """Unknown members are stored and echoed: v1 grows by optional members."""

    model_config = ConfigDict(extra="allow")

"""What may be sent to feedback (报文格式): a new ticket, the special days of a year."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from fastapi.exceptions import RequestValidationError
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    model_validator,
)

from shared.runtime.fields import Body, Day, HospitalId, PathId, Uscc, Words

Category = Literal[
    "short_supply",
    "late_delivery",
    "selective_delivery",
    "stops_after_agreed_volume",
    "unsuitable_form",
    "unsuitable_pack",
    "illegible_lot",
    "other",
]


def _no_repeats(values: list[str]) -> list[str]:
    if len(set(values)) != len(values):
        raise ValueError("the same one stands twice")
    return values


Name = Annotated[Words, Field(min_length=1, max_length=100)]


class TicketBody(Body):
    """A hospital's report (反馈问题). Unknown members are kept with the sender's words."""

    ticket_id: PathId
    hospital_id: HospitalId
    product_id: PathId
    addressees: Annotated[
        list[Uscc], Field(min_length=1, max_length=100), AfterValidator(_no_repeats)
    ]
    category: Category
    description: Annotated[Words, Field(min_length=1, max_length=10_000)]
    order_ids: Annotated[list[PathId], Field(max_length=1000)] | None = None
    prominent: StrictBool = False

    @model_validator(mode="after")
    def _names_its_hospital(self) -> Self:
        """No two hospitals' tickets collide (工单编号以机构代码开头)."""
        if not self.ticket_id.startswith(f"{self.hospital_id}-"):
            raise ValueError("ticket_id begins with the hospital's id and a hyphen")
        return self


class DayBody(BaseModel):
    """A day that differs from Monday-Friday (放假或调休上班); its kind is the calendar's to check."""

    model_config = ConfigDict(extra="allow")

    date: Day
    kind: Words
    name: Name
    notice: Annotated[Words, Field(max_length=300)] = ""


class CalendarBody(BaseModel):
    """A year as the State Council has announced it (国务院办公厅放假通知)."""

    model_config = ConfigDict(extra="allow")

    days: Annotated[list[DayBody], Field(max_length=366)]


def read_ticket(body: Any) -> TicketBody:
    """The report in a body; the problem of a malformed one names every fault by its pointer."""
    try:
        return TicketBody.model_validate(body)
    except ValidationError as error:
        raise RequestValidationError(
            [{**fault, "loc": ("body", *_place(fault))} for fault in error.errors()]
        ) from None


def _place(fault: Any) -> tuple[Any, ...]:
    """Where a fault stands; one that spans members is named after the member it is about."""
    place: tuple[Any, ...] = fault["loc"]
    return place or (("ticket_id",) if fault["type"] == "value_error" else ())

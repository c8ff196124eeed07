"""What may be sent to feedback (报文格式): tickets, acts on them, the special days of a year."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from fastapi import Request
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    WithJsonSchema,
    model_validator,
)

from shared.runtime.bodies import json_object
from shared.runtime.fields import Body, Day, HospitalId, PathId, Uscc, Words
from shared.runtime.said import Said

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


class ReplyBody(Body):
    """An addressee's reply (回复): its promise is looked at by itself, for it has its own refusals."""

    promised_at: Annotated[Any, WithJsonSchema({"type": "string", "format": "date-time"})] = None


class MeasureBody(Body):
    """A measure of a bureau (约谈、督导等): the document names two and leaves the list open."""

    measure: Name
    note: Annotated[Words, Field(max_length=10_000)]


class ClosingBody(Body):
    """Why a ticket ends here (关闭原因)."""

    reason: Annotated[Words, Field(min_length=1, max_length=10_000)]


async def read_said(request: Request) -> Said:
    """The JSON object of a request; nothing at all is as good as an empty one."""
    headers = request.headers
    if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return {}
    return await json_object(request)

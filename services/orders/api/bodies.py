"""The bodies of the six registers (机构、产品、批次、协议、挂网、报量): what a PUT must look like."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StrictBool, StrictStr, model_validator

from shared.runtime.fields import (
    Body,
    Day,
    Division,
    HospitalId,
    PathId,
    Price,
    Quantity,
    QuantityOrZero,
    Text,
    Uscc,
)


class OrganisationBody(Body):
    """A hospital, or an enterprise that distributes, manufactures, or both (机构)."""

    kinds: Annotated[list[Literal["hospital", "distributor", "manufacturer"]], Field(min_length=1)]
    name: Text
    division: Division
    level: Literal["primary", "secondary", "tertiary"] | None = None
    remote: StrictBool | None = None


class ProductBody(Body):
    """A medicine or consumable (产品)."""

    name: Text
    generic_name: Text
    category: Literal["drug", "consumable"]
    manufacturer_id: Uscc
    unit: Text
    units_per_pack: Any
    passed_evaluation: StrictBool | None = None


class MainEntry(Body):
    """A selected product in the divisions it supplies first (主供)."""

    product_id: PathId
    divisions: list[Division]
    selected_price: Price


class BackupEntry(Body):
    """A backup product (备供)."""

    product_id: PathId
    divisions: list[Division]


class BatchBody(Body):
    """One round of procurement (批次)."""

    name: Text
    organiser: Literal["national", "alliance", "province", "city"]
    published_on: Day
    effective_on: Day
    ends_on: Day
    main: list[MainEntry]
    backup: list[BackupEntry]
    non_selected_limit_percent: Any = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends_on < self.effective_on:
            raise ValueError("ends_on lies before effective_on")
        return self


class Signed(Body):
    """Who has signed, and when (签订)."""

    hospital: Any = None
    manufacturer: Any = None
    distributor: Any = None


class AgreementBody(Body):
    """What a hospital has promised to buy (购销协议)."""

    batch_id: PathId
    hospital_id: HospitalId
    product_id: PathId
    distributor_id: Uscc
    agreed_quantity: Quantity
    from_: Day | None = Field(default=None, alias="from")
    to: Day | None = None
    signed: Signed | None = None


class ListingBody(Body):
    """The product on the province's price list (挂网)."""

    listed_price: Price
    ceiling_price: Price | None = None
    status: Literal["listed", "suspended", "delisted"]


class DemandReportBody(Body):
    """What a hospital reports it will need (报量)."""

    batch_id: PathId
    hospital_id: HospitalId
    generic_name: Text
    reported_quantity: QuantityOrZero
    last_year_quantity: QuantityOrZero
    signed_off_by: Text
    explanation: StrictStr | None = None


BODIES: dict[str, type[Body]] = {
    "organisation": OrganisationBody,
    "product": ProductBody,
    "batch": BatchBody,
    "agreement": AgreementBody,
    "listing": ListingBody,
    "demand-report": DemandReportBody,
}
"""The body of each register."""

PATHS = {f"{kind.rstrip('s')}{'es' if kind == 'batch' else 's'}": kind for kind in BODIES}
"""From path word to register: organisations, products, batches, agreements, listings, demand-reports."""

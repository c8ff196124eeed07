"""What may be sent about a retained surplus (结余留用报文): inputs of a year, and what to calculate."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from pydantic import AfterValidator, Field, StrictBool

from services.settlement.policy import RetentionTerms
from shared.events.settlement import NonSelectedUse, RetentionInputsSet, RetentionVariety
from shared.kernel.errors import Refusal, malformed
from shared.kernel.quantity import parse_price
from shared.runtime.fields import (
    Body,
    HospitalId,
    PathId,
    Price,
    QuantityOrZero,
    Text,
    Words,
    parsed,
)

VARIETIES_MAX = 1000


def _share(text: str) -> None:
    if parse_price(text) > parse_price("1"):
        raise ValueError("more than the whole")


Ratio = Annotated[
    Words, parsed(_share, "expected a decimal string from 0 to 1, 4 decimals at most")
]
Year = Annotated[int, Field(ge=2000, le=2100)]


class NonSelectedBody(Body):
    """A quantity of non-selected products at its price (非中选产品用量)."""

    quantity: QuantityOrZero
    price: Price


class VarietyBody(Body):
    """One variety (品种): what is left out comes from demand reports, agreements and receipts."""

    generic_name: Text
    reported_quantity: QuantityOrZero | None = None
    agreed_quantity: QuantityOrZero | None = None
    selected_quantity: QuantityOrZero | None = None
    pre_price: Price | None = None
    selected_price: Price | None = None
    non_selected: Annotated[list[NonSelectedBody], Field(max_length=VARIETIES_MAX)] | None = None


def _each_once(varieties: list[VarietyBody]) -> list[VarietyBody]:
    if len({variety.generic_name for variety in varieties}) != len(varieties):
        raise ValueError("a generic_name stands twice")
    return varieties


class InputsBody(Body):
    """The inputs of a hospital's year (测算参数): assessment may be stated as a grade (考核等次)."""

    assessment: Ratio | None = None
    grade: Words | None = None
    accuracy: Ratio | None = None
    fund_ratio: Ratio
    insured_share: Ratio
    varieties: Annotated[
        list[VarietyBody],
        Field(min_length=1, max_length=VARIETIES_MAX),
        AfterValidator(_each_once),
    ]


class CalculationBody(Body):
    """What to calculate (测算): one hospital's year, or that of every hospital of the pool."""

    batch_id: PathId
    year: Year
    hospital_id: HospitalId | None = None
    preview: StrictBool = False


def inputs_of(
    body: InputsBody, terms: RetentionTerms, batch_id: str, year: int, hospital_id: str
) -> RetentionInputsSet:
    """The inputs as a fact; a Refusal where policy does not allow them."""
    return RetentionInputsSet(
        batch_id=batch_id,
        year=year,
        hospital_id=hospital_id,
        assessment=_assessment(body, terms),
        grade=body.grade,
        accuracy=body.accuracy,
        fund_ratio=body.fund_ratio,
        insured_share=body.insured_share,
        varieties=[_variety(variety) for variety in body.varieties],
    )


def _assessment(body: InputsBody, terms: RetentionTerms) -> str:
    """What the assessment grants, as stated or by its grade; never above the cap (留用比例上限)."""
    by_grade = None
    if body.grade is not None:
        by_grade = terms.grades.get(body.grade)
        if by_grade is None:
            raise malformed(
                f"考核等次应为 {'、'.join(terms.grades)} 之一",
                f"grade is one of {', '.join(terms.grades)}",
                "/grade",
            )
    stated = body.assessment if body.assessment is not None else by_grade
    if stated is None:
        raise malformed("缺少考核留用比例", "assessment or grade is missing", "/assessment")
    if by_grade is not None and Fraction(stated) != Fraction(by_grade):
        raise _differs(body.grade, by_grade)
    if Fraction(stated) > Fraction(terms.assessment_max):
        raise malformed(
            f"考核留用比例不得高于 {terms.assessment_max}",
            f"assessment is at most {terms.assessment_max}",
            "/assessment",
        )
    return stated


def _differs(grade: str | None, by_grade: str) -> Refusal:
    return malformed(
        f"考核等次 {grade} 的留用比例为 {by_grade}, 与所填不符",
        f"grade {grade} grants {by_grade}, another assessment is stated",
        "/assessment",
    )


def _variety(body: VarietyBody) -> RetentionVariety:
    others = None
    if body.non_selected is not None:
        others = [
            NonSelectedUse(quantity=use.quantity, price=use.price) for use in body.non_selected
        ]
    return RetentionVariety(
        generic_name=body.generic_name,
        reported_quantity=body.reported_quantity,
        agreed_quantity=body.agreed_quantity,
        selected_quantity=body.selected_quantity,
        pre_price=body.pre_price,
        selected_price=body.selected_price,
        non_selected=others,
    )

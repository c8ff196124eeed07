"""The retained surplus of a hospital in an agreement year (结余留用).

Readings
- Each figure (budget, spend, base, retained) is rounded by itself from the exact value; the sum of a
  hospital is the sum of its varieties' rounded `retained_fen`.
- `retained` needs no cap of its own: an assessment above 0.50 is refused, and the cap of domain.md
  2.6.2 is that. Factors are decimal strings, 0 to 1 (the assessment to 0.50); else `malformed`.
- An unreported variety (quantity 0, or none anywhere) has a budget and a base of 0, and pays 0.
- `pre_price` has no source: a variety without it makes the calculation 422.
- Preview and real run are one; after a real run both answer what was stored. Nothing to retain posts
  no entry, and is a real run all the same.
- Without `hospital_id`: every hospital of the pool that has inputs; the province, which is the bureau
  of every pool, calculates all of them. With a hospital that has none: 422.
- Nobody asks whether the year has ended.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tests.oracle.settling.money import half_up
from tests.oracle.settling.office import Office
from tests.oracle.settling.parties import Actor, of_the_pool, pool_of, sees
from tests.oracle.settling.refusals import Refused, refuse_if, text, whole
from tests.oracle.settling.sources import Year, agreed, price, reported, selected, used
from tests.oracle.wire import Malformed, parse_decimal

MOST = Fraction(1, 2)
FACTORS = ("assessment", "accuracy", "fund_ratio", "insured_share")


@dataclass(frozen=True)
class Variety:
    """What a hospital reported, agreed, used and paid of one generic name, as exact numbers."""

    generic_name: str
    reported: Fraction
    agreed: Fraction
    selected: Fraction
    pre_price: Fraction
    price: Fraction
    non_selected: tuple[tuple[Fraction, Fraction], ...]


def reckon(variety: Variety, factors: dict[str, Fraction]) -> dict[str, Any]:
    """Budget, spend, base, retained of a variety, in fen."""
    share = factors["fund_ratio"] * factors["insured_share"] * 100
    budget = variety.reported * variety.pre_price * share
    others = sum((quantity * price for quantity, price in variety.non_selected), Fraction(0))
    spend = (min(variety.selected, variety.agreed) * variety.price + others) * share
    base = max(Fraction(0), budget - spend) if variety.reported else Fraction(0)
    retained = base * factors["assessment"] * factors["accuracy"]
    return {
        "generic_name": variety.generic_name,
        "budget_fen": half_up(budget),
        "spend_fen": half_up(spend),
        "base_fen": half_up(base),
        "retained_fen": half_up(retained),
    }


def put_inputs(
    office: Office, actor: Actor, body: Any, batch: str, year: str, hospital: str
) -> tuple[int, Any]:
    """The bureau of the pool says what the calculation stands on; the body replaces."""
    refuse_if(not sees(actor, hospital), 404)
    refuse_if(not of_the_pool(actor, "bureau", hospital), 403)
    for name in FACTORS:
        whole(0 <= number(body, name) <= 1)
    refuse_if(number(body, "assessment") > MOST, 422)
    whole(isinstance(body.get("varieties"), list))
    for row in body["varieties"]:
        text(row, "generic_name")
    office.inputs[batch, int(year), hospital] = body
    return 200, body


def calculate(office: Office, actor: Actor, body: Any) -> tuple[int, Any]:
    """Preview and real run on the same path; a real run is posted once, ever."""
    refuse_if(actor.role != "bureau", 403)
    batch, hospital = text(body, "batch_id"), body.get("hospital_id")
    year = body.get("year")
    whole(isinstance(year, int) and not isinstance(year, bool))
    if hospital is not None:
        refuse_if(not sees(actor, hospital), 404)
        refuse_if(not of_the_pool(actor, "bureau", hospital), 403)
        refuse_if((batch, year, hospital) not in office.inputs, 422)
    else:
        refuse_if(not actor.organisation.endswith("00"), 403)
    hospitals = sorted(
        one
        for (a, b, one) in office.inputs
        if (a, b) == (batch, year)
        and (one == hospital if hospital else of_the_pool(actor, "bureau", one))
    )
    items = [result(office, (batch, year, one), bool(body.get("preview"))) for one in hospitals]
    return 200, {"items": items}


def result(office: Office, key: Year, preview: bool) -> dict[str, Any]:
    """One hospital's result; what was posted once stands for ever."""
    if key in office.retained:
        return office.retained[key]
    body, hospital = office.inputs[key], key[2]
    factors = {name: number(body, name) for name in FACTORS}
    varieties = [reckon(told(office, key, row), factors) for row in body["varieties"]]
    total = sum(row["retained_fen"] for row in varieties)
    found = {"hospital_id": hospital, "varieties": varieties, "retained_fen": total}
    if not preview:
        office.retained[key] = found
        expense = (f"retention:{pool_of(hospital)}:expense", total, 0)
        payable = (f"retention:{hospital}:payable", 0, total)
        office.ledger.post(office.now, "retention", "/".join(map(str, key)), [expense, payable])
    return found


def told(office: Office, key: Year, row: dict[str, Any]) -> Variety:
    """A variety with every number, sent or found."""
    name = row["generic_name"]

    def sent(member: str) -> Fraction | None:
        return number(row, member) if row.get(member) is not None else None

    def or_found(member: str, found: Any) -> Fraction:
        value = sent(member)
        return value if value is not None else found(office, key, name)

    pre_price = sent("pre_price")
    if pre_price is None:
        raise Refused(422, "malformed")
    rows = row.get("non_selected")
    return Variety(
        name,
        or_found("reported_quantity", reported),
        or_found("agreed_quantity", agreed),
        or_found("selected_quantity", selected),
        pre_price,
        or_found("selected_price", price),
        tuple((number(one, "quantity"), number(one, "price")) for one in rows)
        if rows is not None
        else tuple(used(office, key, name, "none")),
    )


def number(body: Any, member: str) -> Fraction:
    """A decimal string of a body, exactly."""
    whole(isinstance(body, dict))
    try:
        return Fraction(parse_decimal(body.get(member), zero=True))
    except Malformed:
        raise Refused(422, "malformed") from None

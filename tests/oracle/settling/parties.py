"""Who is calling, what they see of settlement and which step is theirs (sections 2 and 10).

Readings
- A hospital's city code is its first four digits and 00; for `360000` the province itself.
- "The bureau of the pool" is `bureau:<pool>`, and the province wherever it is named; a county's
  bureau sees its area and decides nothing. "Finance of the pool" likewise `finance:<pool>`.
- Finance with any other code than a pool's own or the province's sees nothing: 404.
- Roles that see everything (regulator, ops, importer) take no step: 403.
- A manufacturer's column says "none": what has an id answers it 404.
"""

import re
from dataclasses import dataclass

from tests.oracle.settling.refusals import Refused
from tests.oracle.ticket_parties import covers
from tests.oracle.uscc import is_uscc

PROVINCE = "360000"
ROLES = (
    "hospital",
    "distributor",
    "manufacturer",
    "bureau",
    "regulator",
    "finance",
    "importer",
    "ops",
)


@dataclass(frozen=True)
class Actor:
    """A role, an organisation, and the person who sits at the machine, if one is named."""

    role: str
    organisation: str
    person: str | None = None

    @property
    def by(self) -> str:
        """How a history names them."""
        return f"{self.role}:{self.organisation}" + (f"/{self.person}" if self.person else "")


def actor_of(header: str | None) -> Actor:
    """The header `role:organisation/person`; missing or ill-formed is 401."""
    match = re.fullmatch(r"([a-z]+):([^/]+)(?:/(.+))?", header or "")
    if match is None or match[1] not in ROLES:
        raise Refused(401)
    role, organisation, person = match.groups()
    shapes = {
        "hospital": re.fullmatch(r"H\d{11}", organisation) is not None,
        "distributor": is_uscc(organisation),
        "manufacturer": is_uscc(organisation),
    }
    if not shapes.get(role, re.fullmatch(r"\d{6}", organisation) is not None):
        raise Refused(401)
    return Actor(role, organisation, person)


def division(hospital_id: str) -> str:
    """Characters 2 to 7 of a hospital's id."""
    return hospital_id[1:7]


def pool_of(hospital_id: str) -> str:
    """Whose fund pays for a hospital: its city's, or the province's for a provincial hospital."""
    code = division(hospital_id)
    return code if code.endswith("0000") else code[:4] + "00"


def sees(actor: Actor, hospital_id: str, payee_id: str | None = None) -> bool:
    """Whether this pair's statements exist for the caller; otherwise 404."""
    if actor.role == "hospital":
        return actor.organisation == hospital_id
    if actor.role == "distributor":
        return actor.organisation == payee_id
    if actor.role == "bureau":
        return covers(actor.organisation, division(hospital_id))
    if actor.role == "finance":
        return actor.organisation in (pool_of(hospital_id), PROVINCE)
    return actor.role != "manufacturer"


def of_the_pool(actor: Actor, role: str, hospital_id: str) -> bool:
    """Whether the caller is that office (bureau or finance) of the hospital's pool, or the province's."""
    return actor.role == role and actor.organisation in (pool_of(hospital_id), PROVINCE)


def of_the_province(actor: Actor, role: str) -> bool:
    """Whether the caller is that office of the province."""
    return actor.role == role and actor.organisation == PROVINCE

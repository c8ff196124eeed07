"""Who may see a ticket, and who may do what to it (section 2, column "tickets", and section 9).

Readings
- Whoever sees everything (`regulator`, `ops`, `importer`) acts on nothing: supervising and closing
  are the bureau's that is shown, or the province's.
- Finance has no column here but its own: it sees all tickets, as the table's last row says.
"""

from __future__ import annotations

PROVINCE = "bureau:360000"
SEES_ALL = ("regulator", "ops", "importer", "finance")
ADDRESSED = ("distributor", "manufacturer")

LEVELS = ("county", "city", "province")


def division(hospital_id: str) -> str:
    """Characters 2 to 7 of a hospital's id."""
    return hospital_id[1:7]


def level_of(code: str) -> str:
    """Whose code this is."""
    if code.endswith("0000"):
        return "province"
    return "city" if code.endswith("00") else "county"


def bureau_of(code: str, level: str) -> str:
    """The bureau of a level above a division, or the division itself."""
    return {"county": code, "city": code[:4] + "00", "province": code[:2] + "0000"}[level]


def covers(bureau: str, code: str) -> bool:
    """A code covers its subtree."""
    area = {"province": bureau[:2], "city": bureau[:4], "county": bureau}[level_of(bureau)]
    return code.startswith(area)


def sees(actor: str, hospital_id: str, addressees: list[str]) -> bool:
    """Otherwise the ticket does not exist: 404."""
    role, organisation = actor.split(":", 1)
    organisation = organisation.split("/")[0]
    if role == "hospital":
        return organisation == hospital_id
    if role in ADDRESSED:
        return organisation in addressees
    if role == "bureau":
        return covers(organisation, division(hospital_id))
    return role in SEES_ALL


def may(actor: str, kind: str, bureau: str) -> bool:
    """Of one who sees the ticket: whether the act is his to do, otherwise 403."""
    role = actor.split(":", 1)[0]
    if kind in ("reply", "solved"):
        return role in ADDRESSED
    if kind in ("confirm", "reopen"):
        return role == "hospital"
    return actor.split("/")[0] in (f"bureau:{bureau}", PROVINCE)

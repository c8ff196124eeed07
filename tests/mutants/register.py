"""All mutants by name (变异体登记)."""

from __future__ import annotations

from typing import Final

from tests.mutants import of_doors, of_logs, of_mending, of_money, of_readers, of_rules, of_time
from tests.mutants.mutant import Mutant

_ROOMS: Final = (of_logs, of_readers, of_time, of_rules, of_money, of_doors, of_mending)

MUTANTS: Final[dict[str, Mutant]] = {
    mutant.name: mutant for room in _ROOMS for mutant in room.MUTANTS
}

if len(MUTANTS) != sum(len(room.MUTANTS) for room in _ROOMS):
    raise ValueError("two mutants bear one name")

"""What decisions of settlement stand on besides their stream (判定依据)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from services.settlement.domain.completing import Drawn
from services.settlement.policy import RetentionTerms


@dataclass(frozen=True, slots=True)
class RetentionGround:
    """What a surplus is calculated on: the policy, and what is known of each stream's year."""

    terms: RetentionTerms
    drawn: Mapping[str, Drawn] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Each part is loaded where it is needed, and is missing elsewhere."""

    retention: RetentionGround | None = None


NO_WORLD: Final = World()

"""A page of arrears (欠款分页): hospital by hospital, so that no question adds up the whole province."""

from __future__ import annotations

from datetime import date
from itertools import groupby
from typing import Final, NamedTuple

from services.settlement.domain.ageing import Aged, Arrears, arrears_of
from services.settlement.policy import hospital_pays_pools, payment_terms
from services.settlement.projections.hospital_payments import paying_hospitals
from services.settlement.sets.dues import PairBucket, pair_buckets
from shared.runtime.actors import Actor
from shared.runtime.room import Room

_AT_ONCE: Final = 5
"""How many hospitals are added up in one statement."""


class Pair(NamedTuple):
    """One hospital and one payee with what is owed."""

    hospital_id: str
    payee_id: str
    arrears: Arrears


async def list_arrears(
    room: Room,
    actor: Actor,
    hospital_id: str | None,
    payee_id: str | None,
    day: date,
    *,
    after: tuple[str, str],
    limit: int,
) -> list[Pair]:
    """The pairs behind `after` that this caller may see, in the pools whose hospitals pay."""
    terms, pools = payment_terms(room.policy), hospital_pays_pools(room.policy)
    found: list[Pair] = []
    first = after[0]
    while len(found) < limit:
        hospitals = await paying_hospitals(
            room.pool, actor, pools, hospital_id, payee_id, first=first, limit=_AT_ONCE
        )
        buckets = await pair_buckets(room.pool, hospitals, payee_id, terms, day)
        found += [pair for pair in arrears_of_pairs(buckets, terms.ageing_days) if pair[:2] > after]
        if len(hospitals) < _AT_ONCE:
            break
        # The next id there can be: a digit is the least that may follow.
        first = hospitals[-1] + "0"
    return found[:limit]


def arrears_of_pairs(buckets: list[PairBucket], ageing_days: tuple[int, ...]) -> list[Pair]:
    """The pairs of these buckets, which come in the order of the pairs (按对汇总)."""
    return [
        Pair(hospital_id, payee_id, _arrears(list(of_pair), ageing_days))
        for (hospital_id, payee_id), of_pair in groupby(buckets, key=lambda one: one[:2])
    ]


def _arrears(of_pair: list[PairBucket], ageing_days: tuple[int, ...]) -> Arrears:
    sums = [
        Aged(one.bucket, one.accepted_fen, one.returned_fen, one.open_fen, one.oldest_due_on)
        for one in of_pair
    ]
    return arrears_of(sums, of_pair[0].paid_fen, ageing_days)

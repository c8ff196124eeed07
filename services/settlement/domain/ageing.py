"""How old arrears are (账龄): what is owed, sorted by how long it has been due. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final, NamedTuple

from services.settlement.domain.dues import Dues

NOT_YET: Final = -1
"""The bucket of what is not yet due (未到期)."""


class Bucket(NamedTuple):
    """What has been overdue for so many days; without `to_days` for any number above (账龄段)."""

    from_days: int
    to_days: int | None
    amount_fen: int


class Arrears(NamedTuple):
    """What one hospital owes one payee as of a day (欠款).

    `accepted_fen - returned_fen - paid_fen = owed_fen - credit_fen`; `oldest_due_on` is the earliest
    due day of what is still open.
    """

    accepted_fen: int
    returned_fen: int
    paid_fen: int
    owed_fen: int
    credit_fen: int
    not_yet_due_fen: int
    overdue_fen: int
    overdue: tuple[Bucket, ...]
    oldest_due_on: date | None


class Aged(NamedTuple):
    """The lines of one bucket, added up; `oldest_due_on` is of those still open (账龄段合计)."""

    bucket: int
    accepted_fen: int
    returned_fen: int
    open_fen: int
    oldest_due_on: date | None


def overdue_days(due_on: date, day: date) -> int:
    """For how many days a payment is late; 0 up to the end of its due day (逾期天数)."""
    return max((day - due_on).days, 0)


def bucket_of(due_on: date, day: date, ageing_days: Sequence[int]) -> int:
    """Which bucket a line falls into: the first whose last day it has not passed (账龄段)."""
    days = overdue_days(due_on, day)
    return NOT_YET if days == 0 else bisect_left(ageing_days, days)


def aged(dues: Dues, day: date, ageing_days: Sequence[int]) -> Arrears:
    """A pair's lines in their buckets."""
    sums = [
        Aged(
            bucket_of(line.due_on, day, ageing_days),
            line.amount_fen,
            line.returned_fen,
            line.open_fen,
            line.due_on if line.open_fen else None,
        )
        for line in dues.lines
    ]
    return arrears_of(sums, dues.paid_fen, ageing_days)


def arrears_of(sums: Iterable[Aged], paid_fen: int, ageing_days: Sequence[int]) -> Arrears:
    """The picture of a pair, from its buckets in any order, each told in one part or in several."""
    accepted_fen = returned_fen = owed_fen = 0
    amounts = dict.fromkeys(range(NOT_YET, len(ageing_days) + 1), 0)
    dues = set()
    for one in sums:
        accepted_fen += one.accepted_fen
        returned_fen += one.returned_fen
        owed_fen += one.open_fen
        amounts[one.bucket] += one.open_fen
        if one.oldest_due_on is not None:
            dues.add(one.oldest_due_on)
    return Arrears(
        accepted_fen=accepted_fen,
        returned_fen=returned_fen,
        paid_fen=paid_fen,
        owed_fen=owed_fen,
        credit_fen=owed_fen - (accepted_fen - returned_fen - paid_fen),
        not_yet_due_fen=amounts[NOT_YET],
        overdue_fen=owed_fen - amounts[NOT_YET],
        overdue=tuple(
            Bucket(first, last, amounts[bucket])
            for bucket, (first, last) in enumerate(spans(ageing_days))
        ),
        oldest_due_on=min(dues, default=None),
    )


def spans(ageing_days: Sequence[int]) -> list[tuple[int, int | None]]:
    """The first and last day of each bucket: 30, 60 gives 1-30, 31-60, 61 and more."""
    firsts = [1, *(last + 1 for last in ageing_days)]
    return list(zip(firsts, [*ageing_days, None], strict=True))

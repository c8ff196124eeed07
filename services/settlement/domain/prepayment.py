"""Prepayments (预付): the fund pays a hospital part of what it has agreed to buy, before it buys. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction

import msgspec

from services.settlement.commands import PostPrepayment
from services.settlement.domain.ledger import Entry, credit, debit, entry_id_of, entry_of
from shared.events.settlement import PREPAYMENT_MADE, PrepaymentMade
from shared.events.topics import SETTLEMENT
from shared.kernel.codes import division_of, pool_of
from shared.kernel.decider import Decided, Sent
from shared.kernel.errors import Refusal
from shared.kernel.quantity import FEN, half_up


class PrepaymentStream(msgspec.Struct, frozen=True, array_like=True, tag="prepayment"):
    """A stream that is a prepayment: one fact, once."""

    made: PrepaymentMade


def stream_of(prepayment_id: str) -> str:
    """The stream of one prepayment."""
    return f"prepayment-{prepayment_id}"


def agreed_amount(agreements: Iterable[tuple[int, int | None]]) -> Fraction:
    """The agreed amount in fen, exact (协议金额): each agreement's quantity at its selected price.

    What was not selected for the hospital has no such price and counts nothing.
    """
    products = (quantity * price for quantity, price in agreements if price is not None)
    return Fraction(sum(products), FEN)


def post_prepayment(
    state: PrepaymentStream | None, sent: Sent, command: PostPrepayment, now: datetime
) -> Decided:
    """The prepayment as a fact; less than the share that policy asks for is refused (B1.3.2)."""
    if state is not None:
        raise Refusal("conflicting_duplicate", "该预付编号已使用", "this prepayment id was used")
    agreed_fen = half_up(command.agreed_fen)
    if command.amount_fen * 100 < command.agreed_fen * command.percent:
        raise Refusal(
            "prepayment_below_30_percent",
            f"预付不得低于协议金额 {agreed_fen} 分的 {command.percent}%",
            f"at least {command.percent} % of the agreed {agreed_fen} fen is prepaid",
            pointer="/amount_fen",
        )
    fact = PrepaymentMade(
        prepayment_id=command.prepayment_id,
        hospital_id=command.hospital_id,
        batch_id=command.batch_id,
        amount_fen=command.amount_fen,
        agreed_fen=agreed_fen,
        percent=command.percent,
        policy_version=command.policy_version,
        entry_id=entry_id_of(stream_of(command.prepayment_id)),
        at=now,
        by=command.by,
    )
    return Decided(
        topic=SETTLEMENT,
        type=PREPAYMENT_MADE,
        fact=fact,
        at=now,
        sent=sent,
        divisions=division_of(command.hospital_id),
    )


def entry_of_prepayment(fact: PrepaymentMade) -> Entry:
    """Dr hospital prepaid / Cr fund bank (借: 医院预付, 贷: 基金银行存款)."""
    return entry_of(
        stream_of(fact.prepayment_id),
        fact.at,
        [
            debit(f"hospital:{fact.hospital_id}:prepaid", fact.amount_fen),
            credit(f"fund:{pool_of(fact.hospital_id)}:bank", fact.amount_fen),
        ],
        hospital_id=fact.hospital_id,
    )

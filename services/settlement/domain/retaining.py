"""What may happen to a hospital's retained surplus of one year (结余留用): inputs, then one result."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import Any

import msgspec

from services.settlement.commands import CalculateRetention, SetRetentionInputs
from services.settlement.domain.completing import NOTHING, completed
from services.settlement.domain.ledger import MOST_FEN, Entry, credit, debit, entry_of
from services.settlement.domain.retention import (
    FORMULA,
    Factors,
    Variety,
    accuracy_of,
    retained,
)
from services.settlement.domain.world import RetentionGround
from shared.events.settlement import (
    RETENTION_CALCULATED,
    RETENTION_INPUTS_SET,
    NonSelectedUse,
    RetainedVariety,
    RetentionCalculated,
    RetentionInputsSet,
    RetentionVariety,
)
from shared.events.topics import SETTLEMENT
from shared.kernel.codes import pool_of
from shared.kernel.decider import Decided, Sent
from shared.kernel.errors import Refusal
from shared.kernel.quantity import format_quantity


class RetentionStream(msgspec.Struct, frozen=True, array_like=True, tag="retention"):
    """A hospital's year in a batch: the inputs as they stand, and the result once there is one."""

    inputs: RetentionInputsSet
    calculated: RetentionCalculated | None = None


def stream_of(batch_id: str, year: int, hospital_id: str) -> str:
    """The stream of one hospital's year in a batch."""
    return f"retention-{batch_id}-{year}-{hospital_id}"


def set_inputs(sent: Sent, command: SetRetentionInputs, now: datetime) -> Decided:
    """The inputs as stated from now on; a result that stands already is not touched (测算参数)."""
    return Decided(
        topic=SETTLEMENT,
        type=RETENTION_INPUTS_SET,
        fact=command.inputs,
        at=now,
        sent=sent,
        hospital_id=command.inputs.hospital_id,
    )


def calculate(
    state: RetentionStream | None,
    sent: Sent,
    command: CalculateRetention,
    now: datetime,
    ground: RetentionGround | None,
) -> Decided:
    """The result on the inputs as they stand; the first one is the only one (测算)."""
    assert ground is not None
    if state is None:
        raise Refusal(
            "unknown_retention_inputs",
            "该机构该年度尚未登记测算参数",
            "no inputs are set for this hospital and year",
        )
    if state.calculated is not None:
        raise Refusal("already_calculated", "该年度已经测算", "this year was calculated before")
    return Decided(
        topic=SETTLEMENT,
        type=RETENTION_CALCULATED,
        fact=calculated(state.inputs, sent.stream, ground, command.by, now),
        at=now,
        sent=sent,
        hospital_id=state.inputs.hospital_id,
    )


def calculated(
    inputs: RetentionInputsSet, stream: str, ground: RetentionGround, by: str, now: datetime
) -> RetentionCalculated:
    """Every variety's figures and their sum, with all that they stand on (测算结果)."""
    varieties = [_variety(given, inputs, stream, ground) for given in inputs.varieties]
    retained_fen = sum(variety.retained_fen for variety in varieties)
    if any(max(one.budget_fen, one.spend_fen, retained_fen) > MOST_FEN for one in varieties):
        raise Refusal(
            "retention_too_large",
            "金额超出记账范围, 请核对数量与价格",
            "the amounts are beyond what the ledger holds; check quantities and prices",
        )
    return RetentionCalculated(
        batch_id=inputs.batch_id,
        year=inputs.year,
        hospital_id=inputs.hospital_id,
        pool=pool_of(inputs.hospital_id),
        formula=FORMULA,
        policy_version=ground.terms.version,
        assessment=inputs.assessment,
        grade=inputs.grade,
        fund_ratio=inputs.fund_ratio,
        insured_share=inputs.insured_share,
        varieties=varieties,
        retained_fen=retained_fen,
        calculated_by=by,
        calculated_at=now,
    )


def entry_for(result: RetentionCalculated) -> Entry | None:
    """What a result posts, under its stream's name for ever; nothing retained posts nothing (记账)."""
    if not result.retained_fen:
        return None
    hospital_id, amount = result.hospital_id, result.retained_fen
    return entry_of(
        stream_of(result.batch_id, result.year, hospital_id),
        result.calculated_at,
        [
            debit(f"retention:{result.pool}:expense", amount),
            credit(f"retention:{hospital_id}:payable", amount),
        ],
        hospital_id=hospital_id,
    )


def evolve(state: RetentionStream | None, type_: str, fact: Any) -> RetentionStream:
    """The latest inputs, and the one result."""
    if isinstance(fact, RetentionInputsSet):
        return RetentionStream(fact, state.calculated if state else None)
    if isinstance(fact, RetentionCalculated) and state is not None:
        return RetentionStream(state.inputs, fact)
    raise ValueError(f"{type_} is no fact of a retained surplus")


def _variety(
    given: RetentionVariety, inputs: RetentionInputsSet, stream: str, ground: RetentionGround
) -> RetainedVariety:
    variety, drawn = completed(given, ground.drawn.get(stream, NOTHING))
    accuracy = inputs.accuracy
    if accuracy is None:
        accuracy = accuracy_of(variety, ground.terms)
        drawn = [*drawn, "accuracy"]
    figures = retained(
        variety,
        Factors(
            assessment=Fraction(inputs.assessment),
            accuracy=Fraction(accuracy),
            fund_ratio=Fraction(inputs.fund_ratio),
            insured_share=Fraction(inputs.insured_share),
        ),
    )
    return RetainedVariety(
        generic_name=given.generic_name,
        reported_quantity=given.reported_quantity or format_quantity(variety.reported),
        agreed_quantity=given.agreed_quantity or format_quantity(variety.agreed),
        selected_quantity=given.selected_quantity or format_quantity(variety.selected),
        counted_quantity=format_quantity(variety.counted),
        pre_price=given.pre_price,
        selected_price=given.selected_price or _text(variety.selected_price),
        non_selected=_uses(given, variety),
        accuracy=accuracy,
        drawn=drawn,
        **figures._asdict(),
    )


def _text(price: int | None) -> str | None:
    return None if price is None else format_quantity(price)


def _uses(given: RetentionVariety, variety: Variety) -> list[NonSelectedUse]:
    """Non-selected use as it was stated, or as receipts add up (非中选用量)."""
    if given.non_selected is not None:
        return given.non_selected
    return [
        NonSelectedUse(quantity=format_quantity(use.quantity), price=format_quantity(use.price))
        for use in variety.non_selected
    ]

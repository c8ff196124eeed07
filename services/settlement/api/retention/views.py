"""A retained surplus as a document (结余留用视图): the figures, their factors, and how they came about."""

from __future__ import annotations

from typing import Any

from services.settlement.domain.explaining import EXACTNESS, NATURE, Line, explained, total
from services.settlement.domain.retaining import entry_for
from shared.events.settlement import RetainedVariety, RetentionCalculated
from shared.kernel.clock import local_text


def retention_document(result: RetentionCalculated) -> dict[str, Any]:
    """One hospital's year with its explanation."""
    entry = entry_for(result)
    return {
        "hospital_id": result.hospital_id,
        "batch_id": result.batch_id,
        "year": result.year,
        "pool": result.pool,
        "formula": result.formula,
        "policy_version": result.policy_version,
        "varieties": [_variety(variety, result) for variety in result.varieties],
        "retained_fen": result.retained_fen,
        "calculated_at": local_text(result.calculated_at),
        "entry_key": None if entry is None else entry.key,
        "explanation": [
            {"step": "nature", "zh": NATURE[0], "en": NATURE[1]},
            {"step": "exactness", "zh": EXACTNESS[0], "en": EXACTNESS[1]},
            _line(total(result)),
        ],
    }


def _variety(variety: RetainedVariety, result: RetentionCalculated) -> dict[str, Any]:
    return {
        "generic_name": variety.generic_name,
        "budget_fen": variety.budget_fen,
        "spend_fen": variety.spend_fen,
        "base_fen": variety.base_fen,
        "retained_fen": variety.retained_fen,
        "factors": _factors(variety, result),
        "explanation": [_line(line) for line in explained(variety, result)],
    }


def _factors(variety: RetainedVariety, result: RetentionCalculated) -> dict[str, Any]:
    """Everything that the figures come from (测算系数及数据)."""
    return {
        "assessment": result.assessment,
        "grade": result.grade,
        "accuracy": variety.accuracy,
        "fund_ratio": result.fund_ratio,
        "insured_share": result.insured_share,
        "reported_quantity": variety.reported_quantity,
        "agreed_quantity": variety.agreed_quantity,
        "selected_quantity": variety.selected_quantity,
        "counted_quantity": variety.counted_quantity,
        "pre_price": variety.pre_price,
        "selected_price": variety.selected_price,
        "non_selected": [
            {"quantity": use.quantity, "price": use.price} for use in variety.non_selected
        ],
        "drawn": variety.drawn,
    }


def _line(line: Line) -> dict[str, str]:
    return {"step": line.step, "zh": line.zh, "en": line.en}

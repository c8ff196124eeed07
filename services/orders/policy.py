"""The numbers orders decides by, read once from the policy (时限参数)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from shared.kernel.policy import Policy


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """Terms of answering, delivering and reporting (响应、配送、上报时限)."""

    response: timedelta
    void: timedelta
    emergency: timedelta
    emergency_min: timedelta
    remote_primary_workdays: int
    ordinary_workdays: int
    receipt_grace_workdays: int
    back_entry: timedelta
    reported_late: timedelta
    future: timedelta


def order_terms(policy: Policy) -> OrderTerms:
    """The terms of one policy version."""
    hours = timedelta(hours=1)
    return OrderTerms(
        response=policy.number("A16.2", "response_hours") * hours,
        void=policy.number("A3.2-void", "void_hours") * hours,
        emergency=policy.number("A3.2", "emergency_hours") * hours,
        emergency_min=policy.number("A3.2", "emergency_hours_min") * hours,
        remote_primary_workdays=policy.number("A3.2", "remote_primary_workdays"),
        ordinary_workdays=policy.number("A3.2", "ordinary_workdays"),
        receipt_grace_workdays=policy.number("A3.2-arrival", "receipt_grace_workdays"),
        back_entry=policy.number("back-entry", "back_entry_hours") * hours,
        reported_late=policy.number("back-entry", "reported_late_hours") * hours,
        future=timedelta(minutes=policy.number("back-entry", "future_minutes")),
    )

"""The numbers feedback decides by, read once from the policy (反馈处理时限参数)."""

from __future__ import annotations

from dataclasses import dataclass

from shared.kernel.policy import Policy


@dataclass(frozen=True, slots=True)
class TicketTerms:
    """How many working days each step may take (办理时限, 工作日).

    A reply counts from the opening (A4.3), a promise from the reply (A4.4), a confirmation from
    `solved`, a level from its beginning (A4.6).
    """

    reply_workdays: int
    promise_workdays: int
    confirm_workdays: int
    level_workdays: int


def ticket_terms(policy: Policy) -> TicketTerms:
    """The terms of one policy version."""
    return TicketTerms(
        reply_workdays=policy.number("A4.3", "reply_workdays"),
        promise_workdays=policy.number("A4.4", "promise_workdays"),
        confirm_workdays=policy.number("A4.5", "confirm_workdays"),
        level_workdays=policy.number("A4.6", "level_workdays"),
    )

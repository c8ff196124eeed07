"""The numbers feedback decides by, read once from the policy (反馈处理时限参数)."""

from __future__ import annotations

from dataclasses import dataclass

from shared.kernel.policy import Policy


@dataclass(frozen=True, slots=True)
class TicketTerms:
    """Terms of replying, in working days (回复时限)."""

    reply_workdays: int


def ticket_terms(policy: Policy) -> TicketTerms:
    """The terms of one policy version."""
    return TicketTerms(reply_workdays=policy.number("A4.3", "reply_workdays"))

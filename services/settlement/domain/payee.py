"""A payee's account (收款账户): set by finance of the province, blocked and unblocked. Pure.

The rules see an account as facts tell it, without its number.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from shared.events import payees as facts
from shared.events.topics import SETTLEMENT
from shared.kernel.decider import Decided
from shared.kernel.errors import Refusal


class PayeeStream(msgspec.Struct, array_like=True, tag="payee"):
    """One payee's account; `reason` is that of the last block or unblock, `told` counts its facts."""

    account: facts.PaidInto
    is_blocked: bool = False
    reason: str | None = None
    told: int = 1


def stream_of(payee_id: str) -> str:
    """The stream of one payee's account, and the name under which it is locked when money goes."""
    return f"payee-{payee_id}"


def set_account(
    state: PayeeStream | None, payee_id: str, account: facts.PaidInto, by: str, now: datetime
) -> Decided:
    """Another account (收款账户登记); a block stays whatever account is set."""
    fact = facts.PayeeAccountSet(payee_id=payee_id, account=account, at=now, by=by)
    return _told(facts.PAYEE_ACCOUNT_SET, fact, state)


def block(
    state: PayeeStream, payee_id: str, reason: str, by: str, now: datetime
) -> Sequence[Decided]:
    """Nothing is paid into it until it is unblocked (冻结)."""
    if state.is_blocked:
        _same(state, reason)
        return []
    fact = facts.PayeeAccountBlocked(payee_id=payee_id, reason=reason, at=now, by=by)
    return [_told(facts.PAYEE_ACCOUNT_BLOCKED, fact, state)]


def unblock(
    state: PayeeStream, payee_id: str, reason: str, by: str, now: datetime
) -> Sequence[Decided]:
    """It is paid into again (解冻)."""
    if not state.is_blocked:
        if state.reason is None:
            raise Refusal("wrong_state", "该收款账户未被冻结", "this account is not blocked")
        _same(state, reason)
        return []
    fact = facts.PayeeAccountUnblocked(payee_id=payee_id, reason=reason, at=now, by=by)
    return [_told(facts.PAYEE_ACCOUNT_UNBLOCKED, fact, state)]


def evolve(state: PayeeStream | None, fact: Any) -> PayeeStream:
    """The account with one more fact in it."""
    if state is None:
        return PayeeStream(fact.account)
    state.told += 1
    if isinstance(fact, facts.PayeeAccountSet):
        state.account = fact.account
    else:
        state.is_blocked = isinstance(fact, facts.PayeeAccountBlocked)
        state.reason = fact.reason
    return state


def _same(state: PayeeStream, reason: str) -> None:
    if state.reason != reason:
        raise Refusal(
            "conflicting_duplicate", "已以不同的原因办理", "this was done for another reason"
        )


def _told(type_: str, fact: Any, state: PayeeStream | None) -> Decided:
    """A fact of it: the payee may read it, and who looks after the whole province."""
    place = 1 if state is None else state.told + 1
    return Decided(
        topic=SETTLEMENT,
        type=type_,
        fact=fact,
        at=fact.at,
        event_id=f"{stream_of(fact.payee_id)}-{place}",
        data=msgspec.to_builtins(fact),
        distributor_id=fact.payee_id,
        divisions="360000",
    )

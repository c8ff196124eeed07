"""Payees' accounts as stored (收款账户): the one place where their numbers stand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from shared.events.payees import Assignee, PaidInto

_PUT: Final = """
INSERT INTO payee_accounts AS a (payee_id, version, account_name, account_number, bank_name,
    bank_code, assignee_name, assignee_contract, set_at, set_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (payee_id) DO UPDATE SET version = excluded.version,
    account_name = excluded.account_name, account_number = excluded.account_number,
    bank_name = excluded.bank_name, bank_code = excluded.bank_code,
    assignee_name = excluded.assignee_name, assignee_contract = excluded.assignee_contract,
    set_at = excluded.set_at, set_by = excluded.set_by"""

ENDING: Final = 4
"""So many characters of a number are told (末四位)."""


class Account(NamedTuple):
    """An account with its number (收款账户)."""

    account_name: str
    account_number: str
    bank_name: str
    bank_code: str
    assignee_name: str | None
    assignee_contract: str | None

    def told(self, version: int) -> PaidInto:
        """It as facts tell it."""
        assignee = None
        if self.assignee_name is not None and self.assignee_contract is not None:
            assignee = Assignee(name=self.assignee_name, contract=self.assignee_contract)
        return PaidInto(
            version=version,
            account_name=self.account_name,
            account_ending=self.account_number[-ENDING:],
            bank_name=self.bank_name,
            bank_code=self.bank_code,
            assignee=assignee,
        )


class Standing(NamedTuple):
    """Where a payee's money goes now, and whether it may (收款账户现状)."""

    account: PaidInto
    is_blocked: bool


def account_of(row: Any) -> Account:
    """The account in a row."""
    return Account(*(row[name] for name in Account._fields))


async def put_account(
    tx: Any, payee_id: str, version: int, account: Account, at: datetime, by: str
) -> None:
    """The account that stands from now on; a block stays."""
    await tx.execute(_PUT, payee_id, version, *account, at, by)


async def mark_blocked(tx: Any, payee_id: str, reason: str, *, is_blocked: bool) -> None:
    """A payee's account was blocked or unblocked (冻结标记)."""
    await tx.execute(
        "UPDATE payee_accounts SET is_blocked = $2, reason = $3 WHERE payee_id = $1",
        payee_id,
        is_blocked,
        reason,
    )


async def find_account(connection: Any, payee_id: str) -> Any:
    """One payee's row; None where no account is registered."""
    return await connection.fetchrow("SELECT * FROM payee_accounts WHERE payee_id = $1", payee_id)


async def list_accounts(
    connection: Any, payee_id: str | None, *, after: str, limit: int
) -> list[Any]:
    """Rows by payee; those of one payee where it is named."""
    rows: list[Any] = await connection.fetch(
        """SELECT * FROM payee_accounts WHERE payee_id > $1 AND ($2::text IS NULL OR payee_id = $2)
           ORDER BY payee_id LIMIT $3""",
        after,
        payee_id,
        limit,
    )
    return rows


async def standing_accounts(connection: Any, payees: Sequence[str]) -> dict[str, Standing]:
    """The accounts of these payees, as facts tell them. Ask behind their locks."""
    rows = await connection.fetch(
        "SELECT * FROM payee_accounts WHERE payee_id = ANY($1)", sorted(set(payees))
    )
    return {
        row["payee_id"]: Standing(account_of(row).told(row["version"]), row["is_blocked"])
        for row in rows
    }

"""Checks of what was made of the logs: read models, money, and that nobody is stuck (状态核对). Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from tests.chaos.history.evidence import LedgerEntry, Quiet, Tables, Words


def models_are_folds(noisy: Tables, quiet: Tables) -> Iterator[str]:
    """Row for row what a second reader makes of the same logs."""
    if not any(quiet.values()):
        yield "the second reader has read nothing"
    for table in sorted(noisy.keys() | quiet.keys()):
        ours, theirs = Counter(noisy.get(table, [])), Counter(quiet.get(table, []))
        for row in list((ours - theirs).elements())[:3]:
            yield f"{table} has a row that the logs do not give: {str(row)[:400]}"
        for row in list((theirs - ours).elements())[:3]:
            yield f"{table} lacks a row that the logs give: {str(row)[:400]}"


def books_balance(entries: Iterable[LedgerEntry], verified: object) -> Iterator[str]:
    """Debits equal credits in each entry and in all; a key stands once; the chain verifies."""
    total = 0
    keys: Counter[str] = Counter()
    for entry in entries:
        rest = sum(debit - credit for _, debit, credit in entry.postings)
        total += rest
        keys[entry.key] += 1
        if rest or not entry.postings:
            yield f"the entry {entry.key} does not balance: {rest} fen"
    if total:
        yield f"the ledger does not balance: {total} fen"
    for key, count in keys.items():
        if count > 1:
            yield f"the entry {key} stands {count} times"
    if not isinstance(verified, dict) or verified.get("ok") is not True:
        yield f"the ledger does not verify: {verified}"


def money_was_moved_once(words: Words, entries: Iterable[LedgerEntry]) -> Iterator[str]:
    """Each approval and each payment that was acknowledged has its one entry."""
    keys = Counter(entry.key for entry in entries)
    for entry in words.done:
        key = {
            "approve": f"approval-{entry.get('statement')}",
            "paid": f"payment-{entry.get('payment')}",
        }.get(entry["act"])
        if key is not None and keys[key] != 1:
            yield f"{entry['act']} of {entry['statement']} has {keys[key]} entries"


def lines_are_claimed_once(claims: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """A receipt line, and a return line, stands in one statement at most."""
    statements: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for statement, *claim in claims:
        statements[tuple(claim)].append(statement)
    for claim_, found in statements.items():
        if len(found) > 1:
            yield f"the line {claim_} stands in the statements {found}"


def nobody_is_stuck(quiet: Quiet) -> Iterator[str]:
    """Ready, caught up, nothing held, nothing parked, no transaction left open, no ticket forgotten."""
    for name, wrong in quiet.not_ready.items():
        yield f"{name} is not ready: {wrong}"
    for asked in quiet.unanswered:
        yield f"never answered: {asked}"
    for name, lag in quiet.lags.items():
        if lag:
            yield f"{name} is {lag} behind"
    for name, count in quiet.held.items():
        if count:
            yield f"{name} holds {count} partitions"
    for name, count in quiet.parked.items():
        if count:
            yield f"{name} has {count} parked keys"
    if quiet.idle_in_transaction:
        yield f"{quiet.idle_in_transaction} connections are idle in a transaction"
    for item in quiet.unstepped:
        yield f"a ticket is due and has no step: {item}"
    for name in quiet.hung:
        yield f"{name} did not end when it was told to"

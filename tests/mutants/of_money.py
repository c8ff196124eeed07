"""Mutants of money: both sides of an entry, lines claimed once, what is prepaid, the chain, the gate."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Change, Mutant

_LEDGER_SQL: Final = "services/settlement/sql/0002_ledger.sql"
_GUARDS: Final = "tests/settlement/test_month_guards.py"
_UNTRIGGERED: Final = Change(_LEDGER_SQL, "IF sides < 2 OR rest <> 0 THEN", "IF sides < 2 THEN")
_ALONE: Final = "return await decide_together(room, [stream], work, alone=True)"

MUTANTS: Final = (
    Mutant(
        "float-money",
        "A line is multiplied in floating point.",
        (
            Change(
                "shared/kernel/quantity.py",
                "return (product + FEN // 2) // FEN",
                "return int(quantity / _SCALE * (price / _SCALE) * 100 + 0.5)",
            ),
        ),
        ("tests/shared/kernel/test_quantity.py",),
    ),
    Mutant(
        "half-down",
        "Half a fen is rounded down.",
        (
            Change(
                "shared/kernel/quantity.py",
                "return (product + FEN // 2) // FEN",
                "return (product + FEN // 2 - 1) // FEN",
            ),
        ),
        ("tests/shared/kernel/test_quantity.py",),
    ),
    Mutant(
        "unbalanced-table",
        "The database takes an entry whose sides differ.",
        (_UNTRIGGERED,),
        (
            "tests/settlement/test_ledger_posting.py"
            "::test_the_database_itself_refuses_what_does_not_balance",
        ),
    ),
    Mutant(
        "unbalanced-posting",
        "An approval owes a fen more than it claims, and nobody adds up the sides.",
        (
            _UNTRIGGERED,
            Change(
                "shared/kernel/entries.py",
                "if len(entry.postings) < 2 or"
                " sum(p.debit_fen - p.credit_fen for p in entry.postings) != 0:",
                "if len(entry.postings) < 2:",
            ),
            Change(
                "services/settlement/domain/routing.py",
                'credit(f"enterprise:{fact.payee_id}:payable", fact.total_fen)',
                'credit(f"enterprise:{fact.payee_id}:payable", fact.total_fen + 1)',
            ),
        ),
        (f"{_GUARDS}::test_many_at_once_draw_one_after_the_other",),
    ),
    Mutant(
        "open-closed-month",
        "A closed month takes entries.",
        (Change(_LEDGER_SQL, "IF closed IS NOT NULL THEN", "IF false THEN"),),
        ("tests/settlement/test_ledger_posting.py::test_a_closed_month_takes_nothing_on_any_road",),
    ),
    Mutant(
        "chain-without-horizon",
        "The chain seals what has committed while older transactions are open.",
        (
            Change(
                "services/settlement/projections/chain.py",
                "e.xid < pg_snapshot_xmin(pg_current_snapshot())",
                "true",
            ),
        ),
        (
            "tests/settlement/test_ledger_chain.py"
            "::test_nothing_is_sealed_before_what_may_still_come",
        ),
    ),
    Mutant(
        "claim-without-key",
        "A line is claimed without its unique key.",
        (
            Change(
                "services/settlement/sql/0005_statements.sql",
                "CREATE UNIQUE INDEX statement_lines_claim",
                "CREATE INDEX statement_lines_claim",
            ),
            Change(
                "services/settlement/sets/claiming.py",
                "  ON CONFLICT (order_id, receipt_id, order_line_id, return_id)"
                " WHERE freed_at IS NULL DO NOTHING",
                "",
            ),
        ),
        (f"{_GUARDS}::test_by_their_key_lines_are_claimed_once_even_if_the_lock_should_fail",),
    ),
    Mutant(
        "prepaid-without-lock",
        "Two payments of a hospital draw what is prepaid without waiting for each other.",
        (
            Change(
                "services/settlement/api/statements/acting.py",
                "locks = [*map(prepaid_lock, hospitals), *map(payee_stream, payees)]",
                "locks = [*map(payee_stream, payees)]",
            ),
        ),
        (f"{_GUARDS}::test_of_two_payments_one_draws_what_is_prepaid",),
    ),
    Mutant(
        "suspension-without-gate",
        "A suspension does not wait for approvals that are under way.",
        (
            Change(
                "services/settlement/api/statements/suspensions.py",
                _ALONE,
                _ALONE.replace(", alone=True", ""),
            ),
            Change(
                "services/settlement/clockwork/routing.py",
                "await decide_together(room, [], _nothing, alone=True)",
                "await decide_together(room, [], _nothing)",
            ),
        ),
        (
            f"{_GUARDS}::test_a_suspension_waits_for_approvals_and_then_moves_what_they_made",
            f"{_GUARDS}::test_a_suspension_that_begins_by_the_clock_waits_for_approvals_too",
        ),
    ),
    Mutant(
        "draft-without-gate",
        "A draft does not wait for who writes before its instant.",
        (
            Change(
                "services/settlement/clockwork/drafting.py",
                "await lock_gate(tx, room.service.name)",
                'await tx.fetchval("SELECT true")',
            ),
        ),
        (f"{_GUARDS}::test_a_draft_waits_for_whoever_writes_before_its_instant",),
    ),
    Mutant(
        "month-includes-its-end",
        "What occurred at 24:00 of the last day is settled in the month that has ended.",
        (
            Change(
                "services/settlement/sets/claiming.py",
                "AND r.occurred_at < $4 AND",
                "AND r.occurred_at <= $4 AND",
            ),
        ),
        (
            "tests/settlement/test_drafting_db.py::test_the_end_of_the_month_divides"
            "_by_what_was_said_and_not_by_when_it_was_heard",
        ),
    ),
    Mutant(
        "newest-due-first",
        "A hospital's payment goes to what is due last.",
        (
            Change(
                "services/settlement/domain/dues.py",
                "    for line in owed:\n        part =",
                "    for line in reversed(owed):\n        part =",
            ),
        ),
        ("tests/settlement/test_hospital_pays.py::test_a_payment_goes_to_what_is_due_first",),
    ),
)

"""Mutants of writing a log: locks before any xid, one fact for one id, versions in their order."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Change, Mutant

_LOCKS: Final = "shared/store/locks.py"
_LOG: Final = "shared/store/log.py"
_HANDLING: Final = "shared/runtime/handling.py"
_TESTS: Final = "tests/shared/test_locks_and_horizon.py"
_DESK: Final = "tests/shared/test_desk.py"

_NO_GUARD: Final = Change(_LOG, 'if not row["clean"]:', "if False:")
_TAKES: Final = "    await tx.fetchval(_TAKE, [gate_key(service), *keys])"

MUTANTS: Final = (
    Mutant(
        "locks-after-xid",
        "A batch takes its locks when its transaction has an xid already.",
        (
            Change(
                _HANDLING,
                "    await lock_streams(tx, kit.service, {sent.stream for sent in batch})\n",
                '    await tx.execute("SELECT pg_current_xact_id()")\n'
                "    await lock_streams(tx, kit.service, {sent.stream for sent in batch})\n",
            ),
        ),
        (f"{_DESK}::test_a_dry_run_tells_the_truth_and_stores_nothing",),
    ),
    Mutant(
        "nextval-before-locks",
        "The positions are taken before the locks, and nobody looks whether that assigned an xid.",
        (
            _NO_GUARD,
            Change(
                _LOCKS,
                _TAKES,
                f"    await tx.fetchval(\"SELECT nextval('event_blocks')\")\n{_TAKES}",
            ),
        ),
        (
            f"{_TESTS}::test_the_load_refuses_a_transaction_that_already_wrote",
            f"{_TESTS}::test_the_guard_in_the_load_catches_an_xid_before_the_locks",
        ),
    ),
    Mutant(
        "xid-unguarded",
        "Something is written before the locks, and nobody looks: versions are turned round.",
        (
            _NO_GUARD,
            Change(
                _LOCKS, _TAKES, f'    await tx.execute("SELECT pg_current_xact_id()")\n{_TAKES}'
            ),
        ),
        (f"{_TESTS}::test_our_way_turns_nothing_round_and_loses_nothing",),
    ),
    Mutant(
        "locks-in-any-order",
        "Streams are locked in the order in which they are named, so writers deadlock.",
        (
            Change(
                _LOCKS,
                "keys = sorted({stream_key(service, stream) for stream in streams})",
                "keys = [stream_key(service, stream) for stream in dict.fromkeys(streams)]",
            ),
        ),
        (f"{_TESTS}::test_streams_are_locked_in_one_order_whatever_order_they_are_named_in",),
    ),
    Mutant(
        "gate-for-everybody",
        "A mark takes the gate as writers do, so it does not wait for those who are under way.",
        (
            Change(
                _LOCKS,
                'await tx.fetchval("SELECT pg_advisory_xact_lock($1)", gate_key(service))',
                'await tx.fetchval("SELECT pg_advisory_xact_lock_shared($1)", gate_key(service))',
            ),
        ),
        (f"{_TESTS}::test_the_gate_comes_first_and_streams_in_key_order",),
    ),
    Mutant(
        "no-content-hash",
        "The same id with other content is called a duplicate.",
        (Change("shared/runtime/judging.py", "if first[0] != sent.sha256:", "if False:"),),
        (f"{_DESK}::test_a_resend_inside_one_batch_is_a_duplicate_of_its_first",),
    ),
    Mutant(
        "id-without-source",
        "An event's id is taken for its identity, whoever sent it.",
        (
            Change(
                _LOG,
                "JOIN events e ON e.source = u.source AND e.event_id = u.event_id",
                "JOIN events e ON e.event_id = u.event_id",
            ),
            Change(
                "shared/store/sql/0001_log.sql",
                "CONSTRAINT events_identity UNIQUE (source, event_id)",
                "CONSTRAINT events_identity UNIQUE (event_id)",
            ),
        ),
        (f"{_DESK}::test_the_same_id_of_two_sources_is_two_facts",),
    ),
    Mutant(
        "neighbours-fail",
        "A request that fails takes along all that were committed with it.",
        (
            Change(
                "shared/runtime/desk.py",
                "if len(requests) > 1 and not isinstance(error, Problem):",
                "if False:",
            ),
        ),
        (f"{_DESK}::test_a_bug_that_one_request_trips_over_hurts_no_neighbour",),
    ),
    Mutant(
        "commit-not-awaited",
        "The answer comes before what it says is on the disk.",
        (
            Change(
                "shared/store/database.py",
                '        "timezone": "UTC",\n',
                '        "timezone": "UTC",\n        "synchronous_commit": "off",\n',
            ),
        ),
        (
            "tests/chaos/test_postgres_dies.py"
            "::test_without_its_database_everything_is_503_and_a_restart_has_it_all",
        ),
    ),
    Mutant(
        "log-rewritable",
        "A service may change what stands in its log.",
        (
            Change(
                "shared/store/migrations.py",
                "UPDATE, DELETE, TRUNCATE ON {service}.events FROM {role}",
                "TRUNCATE ON {service}.events FROM {role}",
            ),
        ),
        ("tests/shared/test_least_rights.py::test_the_service_role_may_not_rewrite_its_log",),
    ),
)

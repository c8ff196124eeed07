"""Mutants of the doors: who is let in, once, and who sees what."""

from __future__ import annotations

from typing import Final

from tests.journeys.goods import D
from tests.mutants.mutant import Change, Mutant

_NONCES: Final = "shared/store/access/nonces.py"
_SIGNED: Final = "tests/access/test_signed_requests.py"
_SEEN: Final = "tests/journeys/test_visibility.py"
_BY: Final = f"log-distributor:{D}"

MUTANTS: Final = (
    Mutant(
        "nonce-looked-up-first",
        "A nonce is looked up first and written later: of racers all are let in.",
        (
            Change(
                _NONCES,
                "    row = await pool.fetchval(\n",
                '    if await pool.fetchval("SELECT true FROM access.nonces'
                ' WHERE key = $1 AND nonce = $2", key, nonce):\n'
                "        return False\n"
                "    row = await pool.fetchval(\n",
            ),
            Change(
                _NONCES,
                "WHERE n.expires_at < clock_timestamp()\n            RETURNING",
                "RETURNING",
            ),
        ),
        (f"{_SIGNED}::test_one_signature_passes_once_however_many_processes_see_it",),
    ),
    Mutant(
        "body-unsigned",
        "The signature does not cover the body.",
        (
            Change(
                "shared/runtime/signing.py",
                "body_hash(body, algorithm).encode(),",
                'body_hash(b"", algorithm).encode(),',
            ),
        ),
        (
            "tests/access/test_signing.py",
            f"{_SIGNED}::test_what_the_signature_covers_cannot_be_changed",
        ),
    ),
    Mutant(
        "key-without-claim",
        "A request under an Idempotency-Key acts though another under it is under way.",
        (
            Change(
                "shared/store/access/answers.py",
                "OR pg_try_advisory_xact_lock_shared({ANSWER_CLASS}, a.holder))",
                "OR true)",
            ),
        ),
        (
            "tests/access/test_idempotency.py"
            "::test_only_one_of_many_at_once_acts_whichever_process_it_meets",
        ),
    ),
    Mutant(
        "answer-not-compared",
        "Another request under the same Idempotency-Key is given the first one's answer.",
        (
            Change(
                "shared/store/access/answers.py",
                'if row["request"] != claim.request:',
                "if False:",
            ),
        ),
        ("tests/access/test_idempotency.py::test_other_content_under_the_same_key_is_refused",),
    ),
    Mutant(
        "sees-another-order",
        "A distributor that knows its number sees another's order.",
        (
            Change(
                "services/orders/api/views.py",
                "return order.distributor_id == actor.organisation",
                "return True",
            ),
        ),
        (f"{_SEEN}::test_orders[{_BY}]",),
    ),
    Mutant(
        "hears-another-order",
        "The feed tells a distributor of others' orders.",
        (
            Change(
                "shared/runtime/visibility.py",
                'return f"({too}strpos(distributor_id, ${first}) > 0)", [actor.organisation]',
                'return f"({too}strpos(distributor_id, ${first}) >= 0)", [actor.organisation]',
            ),
        ),
        (f"{_SEEN}::test_the_feed_and_reconciliation[{_BY}]",),
    ),
    Mutant(
        "lists-others-disputes",
        "The list of disputes shows everybody's.",
        (
            Change(
                "services/settlement/projections/disputes.py",
                'where = ["dispute_id > $1", *visible(actor, values)]',
                'where = ["dispute_id > $1"]',
            ),
        ),
        (
            "tests/settlement/test_visible_lists.py"
            "::test_disputes_are_listed_to_their_parties_and_their_area",
        ),
    ),
    Mutant(
        "lists-others-tickets",
        "The list of tickets shows an enterprise those that are addressed to others.",
        (
            Change(
                "services/feedback/projections/tickets.py",
                "return [_ADDRESSED.format(_parameter(values, actor.organisation))]",
                "return []",
            ),
        ),
        (
            "tests/feedback/test_waiting_api.py"
            "::test_the_list_is_filtered_by_what_a_ticket_has_become",
        ),
    ),
    Mutant(
        "lists-others-alerts",
        "The list of alerts shows an enterprise those about others of its kind.",
        (
            Change(
                "services/alerts/projections/alerts.py",
                'where.add("subject = {0} AND subject_id = {1}", actor.role, actor.organisation)',
                'where.add("subject = {0}", actor.role)',
            ),
        ),
        ("tests/alerts/test_alerts_api.py::test_everybody_sees_the_alerts_that_are_about_them",),
    ),
    Mutant(
        "others-lines",
        "A manufacturer is told of an order's other lines too.",
        (
            Change(
                "services/orders/api/narrowing.py",
                'kept["lines"] = [line for line in lines if line["line_id"] in own]',
                'kept["lines"] = lines',
            ),
        ),
        (f"{_SEEN}::test_a_manufacturer_sees_the_lines_of_its_products_only[log]",),
    ),
)

"""Mutants of reading a log: the horizon, the checkpoint, the shelf, the relay, the barrier."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Change, Mutant

_HORIZON: Final = "shared/store/horizon.py"
_TAKING: Final = "shared/runtime/taking.py"
_CHECKPOINTS: Final = "shared/store/checkpoints.py"
_BARRIER: Final = "tests/shared/test_barrier.py"
_POISON: Final = "tests/shared/test_poison.py"
_STORM: Final = (
    "tests/shared/test_checkpoints.py"
    "::test_crashes_and_moving_partitions_take_every_fact_exactly_once[0]"
)

_TAKEN: Final = "        await _advance(tx, group, batch, places)\n"
_FOLDED: Final = (
    "    async with room.pool.acquire() as tx, tx.transaction():\n"
    "        if facts and room.service.fold is not None:\n"
)
_APART: Final = (
    "    async with room.pool.acquire() as apart, apart.transaction():\n"
    "        await _advance(apart, group, batch, places)\n"
)

MUTANTS: Final = (
    Mutant(
        "naive-cursor",
        "Readers go by the position alone, though transactions do not commit in its order.",
        (
            Change(
                _HORIZON,
                'BEHIND: Final = "(xid, position) > ($1::text::xid8, $2::bigint)"',
                'BEHIND: Final = "($1::text IS NOT NULL AND position > $2::bigint)"',
            ),
            Change(_HORIZON, '"xid < pg_snapshot_xmin(pg_current_snapshot())"', '"true"'),
            Change(_HORIZON, "ORDER BY e.xid, e.position LIMIT $3", "ORDER BY e.position LIMIT $3"),
        ),
        (
            "tests/shared/test_locks_and_horizon.py"
            "::test_our_way_turns_nothing_round_and_loses_nothing",
        ),
    ),
    Mutant(
        "no-horizon",
        "Readers take what has committed while older transactions are open.",
        (Change(_HORIZON, '"xid < pg_snapshot_xmin(pg_current_snapshot())"', '"true"'),),
        (
            "tests/shared/test_locks_and_horizon.py"
            "::test_our_way_turns_nothing_round_and_loses_nothing",
        ),
    ),
    Mutant(
        "offset-before-effect",
        "The checkpoint is committed before the effects: who dies in between loses facts.",
        (
            Change(_TAKING, _FOLDED, _APART + _FOLDED),
            Change(_TAKING, _TAKEN, ""),
        ),
        (_STORM,),
    ),
    Mutant(
        "offset-after-effect",
        "The checkpoint is committed behind the effects: who dies in between takes facts twice.",
        (Change(_TAKING, _TAKEN, _APART),),
        (_STORM,),
    ),
    Mutant(
        "no-epoch",
        "A checkpoint is moved by whoever knows where it stands, also by an owner that was overtaken.",
        (
            Change(
                _CHECKPOINTS, "AND c.epoch = u.epoch AND c.cursor = u.old", "AND c.cursor = u.old"
            ),
        ),
        (
            "tests/shared/test_checkpoints.py"
            "::test_an_owner_that_was_overtaken_is_fenced_and_its_effects_are_gone",
        ),
    ),
    Mutant(
        "no-barrier",
        "A close runs when the first partition has met its mark, whoever else lags.",
        (
            Change(
                _CHECKPOINTS,
                "AND p.last_mark >= m.close_at) = $3",
                "AND p.last_mark >= m.close_at) >= least(1, $3)",
            ),
        ),
        (f"{_BARRIER}::test_a_log_that_fell_asleep_holds_the_close_until_it_wakes",),
    ),
    Mutant(
        "nothing-held",
        "A partition that has met a mark goes on before the close of that mark is done.",
        (
            Change(
                "shared/runtime/consumer.py",
                "if owned.held or room_left <= 0:",
                "if room_left <= 0:",
            ),
        ),
        (f"{_BARRIER}::test_a_log_that_fell_asleep_holds_the_close_until_it_wakes",),
    ),
    Mutant(
        "parked-key-overtaken",
        "Later facts of a key are taken while an earlier one of it is parked.",
        (Change(_TAKING, "if key_of(fact) in keys:", "if False:"),),
        (f"{_POISON}::test_a_poisoned_fact_is_parked_alone_and_later_ones_of_its_key_wait",),
    ),
    Mutant(
        "released-backwards",
        "What was parked of a key is taken again beginning with the latest.",
        (
            Change(
                "shared/store/parking.py",
                "AND NOT ($2 AND published) ORDER BY seq LIMIT $3",
                "AND NOT ($2 AND published) ORDER BY seq DESC LIMIT $3",
            ),
        ),
        (f"{_POISON}::test_a_released_key_ends_as_if_it_had_never_been_poisoned",),
    ),
    Mutant(
        "relay-checkpoint-first",
        "The relay moves its checkpoint before the broker has acknowledged: who dies loses facts.",
        (
            Change(
                "shared/runtime/relay.py",
                "        await self._publisher.publish(\n"
                "            list(messages(self._log, delivery.records,"
                " self._room.service.kept, self._partitions))\n"
                "        )\n",
                "",
            ),
            Change(
                "shared/runtime/relay.py",
                "        self._place = place._replace(cursor=delivery.cursor)\n",
                "        await self._publisher.publish(\n"
                "            list(messages(self._log, delivery.records,"
                " self._room.service.kept, self._partitions))\n"
                "        )\n"
                "        self._place = place._replace(cursor=delivery.cursor)\n",
            ),
        ),
        (
            "tests/chaos/test_relay.py::test_killed_between_acknowledgement_and_checkpoint"
            "_facts_come_again_and_none_is_missing",
        ),
    ),
    Mutant(
        "close-without-lock",
        "Several run the same close at once.",
        (
            Change(
                "shared/runtime/closing.py",
                "        await lock_closes(tx, group)\n",
                "",
            ),
        ),
        (f"{_BARRIER}::test_a_close_is_run_once_however_many_would_run_it",),
    ),
)

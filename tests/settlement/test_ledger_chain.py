"""The chain behind the writers: whatever is done to a ledger past its guards, `verify` names it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from services.settlement.api.ledger.verifying import verify
from services.settlement.app import service
from services.settlement.clockwork import sealing
from services.settlement.clockwork.sealing import seal
from services.settlement.domain.chain import (
    GENESIS,
    LedgerStream,
    block_hash,
    entry_hash,
    evolve,
    midnight_wanting_root,
    sealed,
)
from services.settlement.projections.ledger import post
from shared.events.envelope import written
from shared.events.settlement import BLOCK_SEALED, FACTS, ROOT_PUBLISHED, RootPublished
from shared.kernel.clock import parse_instant
from shared.kernel.entries import Entry, credit, debit, entry_id_of
from shared.runtime.room import Room
from shared.runtime.time import ManualTime
from shared.store.access.sealing import Sealed, Sealing
from shared.testing.postgres import MONDAY, open_room
from tests.settlement.booking import (
    BANK,
    RECEIVABLE,
    an_entry,
    book,
    rows,
    superuser,
    tamper,
)

A_DAY = timedelta(days=1)


@pytest_asyncio.fixture
async def time() -> ManualTime:
    return ManualTime(MONDAY)


@pytest_asyncio.fixture
async def room(database: str, time: ManualTime) -> AsyncIterator[Room]:
    """Settlement over a fresh database."""
    async with open_room(database, service, time=time) as running:
        yield running


async def told(room: Room, type_: str) -> list[Any]:
    """The log's facts of the chain."""
    found = await room.pool.fetch(
        "SELECT fact FROM events WHERE stream = 'ledger' AND type = $1 ORDER BY version", type_
    )
    return [msgspec.json.decode(row["fact"], type=FACTS[type_]) for row in found]


async def entries_with_places(connection: asyncpg.Connection) -> list[tuple[Entry, str]]:
    """All entries in the order of the chain, read by a hand of our own."""
    found = []
    for row in await connection.fetch(
        "SELECT e.* FROM sealed c JOIN entries e USING (entry_id) ORDER BY c.seq"
    ):
        sides = await connection.fetch(
            "SELECT account, debit_fen, credit_fen FROM postings WHERE entry_id = $1 ORDER BY line",
            row["entry_id"],
        )
        postings = [
            debit(s["account"], s["debit_fen"])
            if s["debit_fen"]
            else credit(s["account"], s["credit_fen"])
            for s in sides
        ]
        entry = Entry(row["entry_id"], row["key"], row["at"], postings, row["reverses"])
        found.append((entry, row["division"]))
    return found


async def three_blocks(room: Room, time: ManualTime) -> None:
    """Nine entries in three blocks; a root under the first six."""
    for block in range(3):
        await book(room, *(an_entry(f"k{block * 3 + n}", 100 + n) for n in range(3)))
        await seal(room)
        if block == 1:
            time.set(MONDAY + A_DAY)
            await seal(room)


# The order in which a statement posts is the order of keys, so k0 to k8 stand in this order.
IDS = [entry_id_of(f"k{n}") for n in range(9)]


async def test_the_chain_is_what_its_words_say(room: Room, time: ManualTime) -> None:
    await three_blocks(room, time)
    blocks = await told(room, BLOCK_SEALED)
    assert [one.entry_id for block in blocks for one in block.entries] == IDS
    found = await entries_with_places(room.pool)
    hashes = [entry_hash(entry, seq, place) for seq, (entry, place) in enumerate(found, 1)]
    first = block_hash(GENESIS, hashes[:3])
    second = block_hash(first, hashes[3:6])
    assert [block.root for block in blocks] == [first, second, block_hash(second, hashes[6:])]
    [root] = await told(room, ROOT_PUBLISHED)
    assert (root.day, root.entries, root.root) == ("2026-01-05", 6, second)
    proof = await verify(room)
    assert (proof.entries, proof.bad, proof.balances) == (9, None, [])


async def test_an_empty_ledger_holds(room: Room) -> None:
    proof = await verify(room)
    assert (proof.entries, proof.bad) == (0, None)


async def test_nothing_is_sealed_before_what_may_still_come(room: Room) -> None:
    """Commit order is not the order of ids: an older transaction may bring its entry later."""
    async with room.pool.acquire() as tx:
        older = tx.transaction()
        await older.start()
        await post(tx, [an_entry("old")])
        await book(room, an_entry("new"))
        await seal(room)
        assert await rows(room, "SELECT seq FROM sealed") == []
        await older.commit()
    await seal(room)
    assert await rows(
        room, "SELECT key FROM sealed JOIN entries USING (entry_id) ORDER BY seq"
    ) == [
        ("old",),
        ("new",),
    ]
    assert (await verify(room)).bad is None


async def test_a_sealer_without_the_horizon_leaves_an_entry_behind_for_ever(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The unguarded variant of the test above loses."""
    from services.settlement.projections import chain

    naive = chain._NEXT.replace(chain._SETTLED, "true")
    monkeypatch.setattr(chain, "_ANY", chain._ANY.replace(chain._SETTLED, "true"))
    monkeypatch.setattr(chain, "_NEXT", naive)
    async with room.pool.acquire() as tx:
        older = tx.transaction()
        await older.start()
        await post(tx, [an_entry("old")])
        await book(room, an_entry("new"))
        await seal(room)
        await older.commit()
    await seal(room)
    assert await rows(room, "SELECT key FROM sealed JOIN entries USING (entry_id)") == [("new",)]
    bad = (await verify(room)).bad
    assert bad is not None
    assert (bad.entry_id, bad.fault) == (entry_id_of("old"), "unknown")


async def test_many_sealers_make_one_chain(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BLOCK_MAX", 7)
    stop = asyncio.Event()

    async def keep_sealing() -> None:
        while not stop.is_set():
            await seal(room)

    sealers = [asyncio.create_task(keep_sealing()) for _ in range(3)]
    await asyncio.gather(
        *(
            book(room, *(an_entry(f"{w}-{n}-{i}") for i in range(5)))
            for w in range(4)
            for n in range(5)
        )
    )
    stop.set()
    await asyncio.gather(*sealers)
    proof = await verify(room)
    assert (proof.entries, proof.bad) == (100, None)
    assert [seq for (seq,) in await rows(room, "SELECT seq FROM sealed ORDER BY seq")] == list(
        range(1, 101)
    )


async def test_a_restored_ledger_goes_on_where_its_chain_ended(database: str, room: Room) -> None:
    """A restore begins its transaction ids anew; without the epoch what follows is never sealed."""
    await book(room, an_entry("before"))
    await seal(room)
    await tamper(
        database,
        "UPDATE entries SET xid = '9000000000'",
        "UPDATE blocks SET xid = '9000000000' WHERE number > 0",
        "UPDATE log_head SET epoch = epoch + 1",
    )
    await book(room, an_entry("after"))
    assert await seal(room)
    assert (await verify(room)).entries == 2


SWAP = """UPDATE sealed SET entry_id = CASE entry_id WHEN '{0}' THEN '{1}' ELSE '{0}' END
          WHERE entry_id IN ('{0}', '{1}')"""
TAMPERING = {
    "a fen more on one side": (
        f"UPDATE postings SET debit_fen = debit_fen + 1 WHERE entry_id = '{IDS[4]}' AND line = 1",
        4, "changed",
    ),
    "a fen more on both": (
        f"""UPDATE postings SET debit_fen = debit_fen + sign(debit_fen)::int,
            credit_fen = credit_fen + sign(credit_fen)::int WHERE entry_id = '{IDS[4]}'""",
        4, "changed",
    ),
    "another account": (
        f"UPDATE postings SET account = '{BANK}' WHERE entry_id = '{IDS[7]}' AND line = 2",
        7, "changed",
    ),
    "one microsecond later": (
        f"UPDATE entries SET at = at + interval '1 microsecond' WHERE entry_id = '{IDS[0]}'",
        0, "changed",
    ),
    "another key": (f"UPDATE entries SET key = 'k99' WHERE entry_id = '{IDS[3]}'", 3, "changed"),
    "another place": (
        f"UPDATE entries SET division = '360103' WHERE entry_id = '{IDS[3]}'", 3, "changed",
    ),
    "a reversal made up": (
        f"UPDATE entries SET reverses = '{IDS[1]}' WHERE entry_id = '{IDS[2]}'", 2, "changed",
    ),
    "a posting gone": (
        f"DELETE FROM postings WHERE entry_id = '{IDS[5]}' AND line = 2", 5, "changed",
    ),
    "an entry gone": (
        f"DELETE FROM postings WHERE entry_id = '{IDS[5]}'; DELETE FROM entries WHERE entry_id = '{IDS[5]}'",
        5, "missing",
    ),
    "an entry gone from the chain too": (
        f"""DELETE FROM postings WHERE entry_id = '{IDS[1]}'; DELETE FROM entries WHERE entry_id = '{IDS[1]}';
            DELETE FROM sealed WHERE entry_id = '{IDS[1]}'""",
        1, "missing",
    ),
    "an entry gone and the others moved up": (
        f"""DELETE FROM postings WHERE entry_id = '{IDS[1]}'; DELETE FROM entries WHERE entry_id = '{IDS[1]}';
            DELETE FROM sealed WHERE entry_id = '{IDS[1]}';
            UPDATE sealed SET seq = -seq WHERE seq > 2; UPDATE sealed SET seq = -seq - 1 WHERE seq < 0""",
        1, "missing",
    ),
    "two that changed places": (
        f"""{SWAP.format("swapping", IDS[2])}; {SWAP.format(IDS[6], IDS[2])}""", 2, "misplaced",
    ),
    "two that changed their amounts": (
        f"""UPDATE postings SET debit_fen = 102 * sign(debit_fen)::int, credit_fen = 102 * sign(credit_fen)::int
            WHERE entry_id = '{IDS[3]}';
            UPDATE postings SET debit_fen = 100 * sign(debit_fen)::int, credit_fen = 100 * sign(credit_fen)::int
            WHERE entry_id = '{IDS[5]}'""",
        3, "changed",
    ),
    "the tail cut off behind the last root": (
        f"""DELETE FROM postings WHERE entry_id IN ('{IDS[7]}', '{IDS[8]}');
            DELETE FROM entries WHERE entry_id IN ('{IDS[7]}', '{IDS[8]}');
            DELETE FROM sealed WHERE seq > 7; UPDATE blocks SET entries = 7 WHERE number = 3""",
        7, "missing",
    ),
    "the whole last block cut off": (
        f"""DELETE FROM postings WHERE entry_id IN ('{IDS[6]}', '{IDS[7]}', '{IDS[8]}');
            DELETE FROM entries WHERE entry_id IN ('{IDS[6]}', '{IDS[7]}', '{IDS[8]}');
            DELETE FROM sealed WHERE seq > 6; DELETE FROM blocks WHERE number = 3;
            DELETE FROM account_days""",
        6, "missing",
    ),
    "a block's hash": ("UPDATE blocks SET sha256 = sha256 || '\\x00' WHERE number = 2", 3, "chain"),
    "a seal's hash": (
        f"UPDATE sealed SET sha256 = sha256 || '\\x00' WHERE entry_id = '{IDS[8]}'", 8, "misplaced",
    ),
    "a block forgotten by the log": (
        "DELETE FROM events WHERE stream = 'ledger' AND version = 2", 3, "truncated",
    ),
    "the log cut off": (
        "DELETE FROM events WHERE stream = 'ledger' AND version = 4", 6, "truncated",
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", TAMPERING)
async def test_any_tampering_is_found_and_the_first_bad_entry_named(
    database: str, room: Room, time: ManualTime, how: str
) -> None:
    statement, which, fault = TAMPERING[how]
    await three_blocks(room, time)
    assert (await verify(room)).bad is None
    await tamper(database, statement)
    proof = await verify(room)
    assert proof.bad is not None
    assert (proof.bad.entry_id, proof.bad.fault) == (IDS[which], fault)


async def test_a_running_sum_that_was_changed_is_found(
    database: str, room: Room, time: ManualTime
) -> None:
    await three_blocks(room, time)
    await tamper(database, f"UPDATE account_days SET debit_fen = 1 WHERE account = '{RECEIVABLE}'")
    proof = await verify(room)
    assert proof.bad is not None
    assert (proof.bad.entry_id, proof.bad.fault) == (None, "balance")
    assert proof.balances == [f"{RECEIVABLE} 2026-01-05"]


async def test_an_entry_slipped_in_before_the_chains_end_is_found(
    database: str, room: Room, time: ManualTime
) -> None:
    await three_blocks(room, time)
    await tamper(
        database,
        """INSERT INTO entries (entry_id, key, at, division, epoch, xid)
           VALUES ('slipped', 'slipped', '2026-01-05T01:00Z', '360102', 1, '5')""",
        f"INSERT INTO postings VALUES ('slipped', 1, '{BANK}', 5, 0), ('slipped', 2, '{BANK}', 0, 5)",
    )
    bad = (await verify(room)).bad
    assert bad is not None
    assert (bad.entry_id, bad.fault) == ("slipped", "unknown")


async def rewrite(database: str, *, roots: bool, resign: bool = False) -> None:
    """A thorough hand: an amount of the fifth entry, then every hash that follows from it, everywhere."""
    async with superuser(database) as owner:
        for column in ("debit_fen", "credit_fen"):
            await owner.execute(
                f"UPDATE postings SET {column} = 999 WHERE entry_id = $1 AND {column} > 0", IDS[4]
            )
        await owner.execute("DELETE FROM account_days")
        await owner.execute(
            """INSERT INTO account_days SELECT account, day, division, sum(debit_fen), sum(credit_fen)
               FROM entries JOIN postings USING (entry_id) GROUP BY 1, 2, 3"""
        )
        found, chain, seq = await entries_with_places(owner), LedgerStream(), 0
        log = await owner.fetch(
            "SELECT version, type, fact FROM events WHERE stream = 'ledger' ORDER BY version"
        )
        for row in log:
            fact = msgspec.json.decode(row["fact"], type=FACTS[row["type"]])
            if row["type"] == BLOCK_SEALED:
                size = len(fact.entries)
                fact = sealed(chain, found[seq : seq + size], fact.at).fact
                for n, one in enumerate(fact.entries, seq + 1):
                    await owner.execute(
                        "UPDATE sealed SET sha256 = decode($2, 'hex') WHERE seq = $1", n, one.sha256
                    )
                await owner.execute(
                    "UPDATE blocks SET sha256 = decode($2, 'hex') WHERE number = $1",
                    fact.number,
                    fact.root,
                )
                seq += size
            elif roots:
                fact = msgspec.structs.replace(fact, root=chain.sha256)
            chain = evolve(chain, fact)
            await owner.execute(
                "UPDATE events SET fact = $2 WHERE stream = 'ledger' AND version = $1",
                row["version"],
                msgspec.json.encode(fact),
            )


@pytest.mark.parametrize("roots", [False, True])
async def test_a_consistent_rewrite_of_everything_meets_the_signed_root(
    database: str, room: Room, time: ManualTime, roots: bool
) -> None:
    """Tables and log agree with each other; the signature is over something else.

    Behind which root the change lies is all that can still be known: the first entry under it is
    named.
    """
    await three_blocks(room, time)
    await rewrite(database, roots=roots)
    bad = (await verify(room)).bad
    assert bad is not None
    assert (bad.entry_id, bad.fault) == (IDS[0], "root")


async def test_a_root_signed_with_a_strange_key_is_none(
    database: str, room: Room, time: ManualTime
) -> None:
    await three_blocks(room, time)
    await tamper(database, "UPDATE signing_keys SET public_key = public_key || '\\x00'")
    bad = (await verify(room)).bad
    assert bad is not None
    assert bad.fault == "root"


async def test_a_root_is_published_once_a_day_when_something_was_posted(
    room: Room, time: ManualTime
) -> None:
    async def days() -> list[str]:
        await seal(room)
        return [root.day for root in await told(room, ROOT_PUBLISHED)]

    await book(room, an_entry("a"))
    assert await days() == []
    time.set(MONDAY + A_DAY)
    assert await days() == ["2026-01-05"]
    time.set(MONDAY + 3 * A_DAY)
    assert await days() == ["2026-01-05"]
    await book(room, an_entry("b", at=MONDAY + 3 * A_DAY))
    assert await days() == ["2026-01-05"]
    time.set(parse_instant("2026-01-09T00:00:00+08:00"))
    assert await days() == ["2026-01-05", "2026-01-08"]
    [_, last] = await room.pool.fetch(
        "SELECT recorded_at FROM events WHERE type = $1 ORDER BY version", ROOT_PUBLISHED
    )
    assert last["recorded_at"] == parse_instant(
        "2026-01-08T24:00:00+08:00".replace("08T24", "09T00")
    )


def test_a_late_entry_waits_for_the_next_midnight() -> None:
    """Today's root is out already: what is dated before it is under tomorrow's."""
    midnight = parse_instant("2026-01-06T00:00:00+08:00")
    chain = LedgerStream(blocks=2, entries=2, root_at=midnight, unrooted=midnight - A_DAY)
    assert midnight_wanting_root(chain, midnight + timedelta(hours=9)) is None
    assert midnight_wanting_root(chain, midnight + A_DAY) == midnight + A_DAY


async def test_the_private_key_is_sealed_where_the_installation_has_a_secret(
    room: Room, time: ManualTime
) -> None:
    room.sealing = Sealing("a secret of the operator")
    await book(room, an_entry("a"))
    time.set(MONDAY + A_DAY)
    await seal(room)
    [root] = await told(room, ROOT_PUBLISHED)
    assert isinstance(root, RootPublished)
    [(public, private, is_sealed)] = await rows(
        room, "SELECT encode(public_key, 'hex'), private_key, sealed FROM signing_keys"
    )
    assert public == root.public_key
    assert is_sealed
    assert len(private) > 64
    assert (await verify(room)).bad is None
    room.sealing = Sealing("another")
    await book(room, an_entry("b", at=MONDAY + A_DAY))
    time.set(MONDAY + 2 * A_DAY)
    with pytest.raises(Sealed):
        await seal(room)


async def test_a_seal_that_is_cut_short_leaves_nothing_half_done(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    await book(room, an_entry("a"))

    async def killed(*_: object) -> None:
        raise asyncpg.AdminShutdownError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(sealing, "write_block", killed)
        with pytest.raises(asyncpg.AdminShutdownError):
            await seal(room)
    assert await rows(room, "SELECT 1 FROM events WHERE stream = 'ledger'") == []
    proof = await verify(room)
    assert (proof.entries, proof.bad) == (1, None)


def test_what_the_chain_says_of_itself_is_a_fact_that_hashes() -> None:
    """Its data hold nothing that RFC 8785 would write differently."""
    decided = sealed(None, [(an_entry("a"), "360102")], MONDAY)
    assert decided.data["at"] == "2026-01-05T01:00:00Z"
    written(source="urn:jicai:platform", id="x", type="t", time=MONDAY, data=decided.data)

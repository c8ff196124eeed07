"""However posts, reversals, closes, seals and kills follow each other, balances are plain sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.settlement.api.ledger.verifying import verify
from services.settlement.app import service
from services.settlement.clockwork import sealing
from services.settlement.clockwork.sealing import seal
from services.settlement.projections.chain import balance
from services.settlement.projections.ledger import KeyTaken, MonthClosed, close_month, post
from shared.kernel.clock import day_start, local_day
from shared.kernel.entries import Entry, Posting, entry_of, mirrored
from shared.runtime.room import Room
from shared.testing.postgres import MONDAY, open_room

_numbers = count(1)
NAMES = ("goods_receivable", "prepaid", "claims_payable")


class Killed(Exception):
    """The process dies before it commits."""


class Town:
    """A hospital and two months of its own for each story, and the plain sums of what was posted."""

    def __init__(self) -> None:
        n = next(_numbers)
        self.hospital = f"H360102{n:05}"
        self.accounts = [f"hospital:{self.hospital}:{name}" for name in NAMES]
        self.months = [date(2026 + n // 6, n % 6 * 2 + month, 1) for month in (1, 2)]
        self.entries: dict[str, Entry] = {}
        self.closed: set[date] = set()

    def at(self, day: int) -> datetime:
        """An instant of one of the first sixteen days of either month."""
        month, days = divmod(day, 16)
        return day_start(self.months[month] + timedelta(days=days)) + timedelta(hours=1)

    def entry(self, key: int, day: int, sides: list[int]) -> Entry:
        """Amounts by account, balanced by the last account."""
        amounts = [*sides, -sum(sides)]
        postings = [
            Posting(account, max(amount, 0), max(-amount, 0))
            for account, amount in zip(self.accounts, amounts, strict=True)
            if amount
        ]
        return entry_of(f"{self.hospital}-{key}", self.at(day), postings)

    def reversal(self, key: int, day: int) -> Entry | None:
        """The mirror of an entry that stands."""
        first = self.entries.get(f"{self.hospital}-{key}")
        if first is None:
            return None
        mirror = mirrored(first.postings)
        return entry_of(f"{first.key}-back", self.at(day), mirror, reverses=first.entry_id)

    def outcome(self, batch: list[Entry]) -> dict[str, Entry] | None:
        """What stands after a batch; None where it is refused."""
        after = dict(self.entries)
        for entry in batch:
            first = after.setdefault(entry.key, entry)
            if first is entry and any(
                entry.at >= day_start(month) and entry.at < day_start(month + timedelta(days=28))
                for month in self.closed
            ):
                return None
            if (first.postings, first.reverses) != (entry.postings, entry.reverses):
                return None
        return after

    def plain_sum(self, account: str, until: date) -> tuple[int, int]:
        """Debits and credits, added up by hand."""
        sums: Counter[str] = Counter()
        for entry in self.entries.values():
            if entry.at < day_start(until + timedelta(days=1)):
                for posting in entry.postings:
                    if posting.account == account:
                        sums["debit"] += posting.debit_fen
                        sums["credit"] += posting.credit_fen
        return sums["debit"], sums["credit"]


days = st.integers(0, 31)
posts = st.tuples(
    st.integers(0, 4),
    days,
    st.tuples(st.sampled_from([-3, 1, 50]), st.sampled_from([0, 1, 7])).map(list),
)
steps = st.one_of(
    st.tuples(st.just("post"), st.lists(posts, min_size=1, max_size=3), st.booleans()),
    st.tuples(st.just("reverse"), st.integers(0, 4), days),
    st.tuples(st.just("close"), st.integers(0, 1), st.booleans()),
    st.tuples(st.just("seal"), st.booleans(), st.none()),
)


@pytest_asyncio.fixture
async def room(database: str) -> AsyncIterator[Room]:
    """Settlement over a fresh database."""
    async with open_room(database, service) as running:
        yield running


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(story=st.lists(steps, min_size=2, max_size=12))
async def test_any_story_gives_the_balances_of_a_plain_sum(
    room: Room, story: list[tuple[Any, ...]]
) -> None:
    town = Town()
    for what, first, second in story:
        if what == "post":
            batch = [town.entry(key, day, sides) for key, day, sides in first]
            await tell(room, town, batch, killed=second)
        elif what == "reverse":
            entry = town.reversal(first, second)
            await tell(room, town, [entry] if entry else [], killed=False)
        elif what == "close":
            await close(room, town, town.months[first], killed=second)
        else:
            await sealed(room, killed=first)
    until = [*(local_day(town.at(day)) for day in (0, 7, 20)), date(2100, 1, 1)]
    for account in town.accounts:
        for day in until:
            assert await balance(room.pool, account, day, "") == town.plain_sum(account, day)
    proof = await verify(room)
    assert (proof.bad, proof.balances) == (None, [])
    for account in town.accounts:
        for day in until:
            assert await balance(room.pool, account, day, "") == town.plain_sum(account, day)
    for table in ("postings", "account_days"):
        assert await room.pool.fetchval(
            f"SELECT coalesce(sum(debit_fen), 0) = coalesce(sum(credit_fen), 0) FROM {table}"
        )


async def tell(room: Room, town: Town, batch: list[Entry], *, killed: bool) -> None:
    """A batch in one transaction; what is refused or killed leaves nothing."""
    after = town.outcome(batch)
    try:
        async with room.pool.acquire() as tx, tx.transaction():
            await post(tx, batch)
            if killed:
                raise Killed
    except (KeyTaken, MonthClosed):
        assert after is None
    except Killed:
        assert after is not None
    else:
        assert after is not None
        town.entries = after


async def close(room: Room, town: Town, month: date, *, killed: bool) -> None:
    if month in town.closed:
        return
    try:
        async with room.pool.acquire() as tx, tx.transaction():
            await close_month(tx, month.isoformat()[:7], MONDAY, "finance:360000")
            if killed:
                raise Killed
    except Killed:
        return
    town.closed.add(month)


async def sealed(room: Room, *, killed: bool) -> None:
    """A sealer may die between the chain and its fact: then neither is there."""
    if not killed:
        await seal(room)
        return
    with pytest.MonkeyPatch.context() as patched:

        async def dies(*_: object) -> None:
            raise Killed

        patched.setattr(sealing, "write_block", dies)
        try:
            await seal(room)
        except Killed:
            return

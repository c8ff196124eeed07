"""One run (一次混沌测试): put the house up, let the parties live, strike, drain, collect, judge."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from shared.testing.broker import BrokerMissing
from tests.chaos.history.checker import complaints
from tests.chaos.history.evidence import Evidence, Quiet, words_of
from tests.chaos.history.gathering import (
    claims_of,
    entries_of,
    hung,
    is_at_rest,
    rows_of,
    said_by_doors,
    standing_now,
    tables_of,
    topics_of,
)
from tests.chaos.history.house import HouseUnderTest
from tests.chaos.history.journal import read_journals
from tests.chaos.history.nemesis import Nemesis
from tests.chaos.history.province import Province
from tests.chaos.history.quiet import folded_again
from tests.chaos.history.verdict import Verdict

DRAIN: float = 120.0
Say = Callable[[str], None]


async def play(
    seed: int,
    seconds: float,
    *,
    rate: float,
    say: Say,
    blows: Sequence[str] | None = None,
    keep: bool = False,
) -> Verdict:
    """By seed; `blows` names a fixed list of them, `keep` leaves the journals and logs of a failure."""
    place = Path(tempfile.mkdtemp(prefix="jicai-chaos-"))
    os.chmod(place, 0o711)  # noqa: PTH101 - no path of a blocking kind
    house = HouseUnderTest(place, seed)
    verdict = Verdict(seed)
    try:
        say(_first_line(seed, seconds, house))
        began = time.monotonic()
        await house.put_up()
        say(f"          the house is up after {time.monotonic() - began:.1f} s")
        await _play(house, verdict, seconds, rate, say, blows, place)
    except BrokerMissing:
        raise
    except Exception as error:
        say(traceback.format_exc())
        verdict.complaints["the run broke down"] = [f"{type(error).__name__}: {error}"]
    finally:
        await house.pull_down()
        if keep and not verdict.is_passed:
            say(f"journals and logs are kept in {place}")
        else:
            shutil.rmtree(place, ignore_errors=True)
    return verdict


def _first_line(seed: int, seconds: float, house: HouseUnderTest) -> str:
    limited = "" if house.postgres.is_limited else ", no disk-full: nothing may be mounted here"
    return f"seed={seed} {seconds:.0f} s{limited}"


async def _play(
    house: HouseUnderTest,
    verdict: Verdict,
    seconds: float,
    rate: float,
    say: Say,
    blows: Sequence[str] | None,
    place: Path,
) -> None:
    rng = random.Random(verdict.seed)
    province = Province(house, place / "journals", rng, rate)
    await province.register()
    province.begin()
    nemesis = Nemesis(
        house, province.clerks, lambda: province.accepted, random.Random(rng.random()), say
    )
    if blows is None:
        await nemesis.run(seconds)
    else:
        await nemesis.run_list(blows)
    await nemesis.recovered()
    verdict.recoveries = nemesis.recoveries
    began = time.monotonic()
    standing = await _drained(house, province, nemesis, say)
    verdict.drained = time.monotonic() - began
    say(f"          drained in {verdict.drained:.1f} s")
    await province.close()
    found = await _collected(house, place, standing)
    verdict.facts = len(found.rows)
    verdict.accepted = sum(map(found.words.is_accepted, found.words.made))
    verdict.unknown = sum(found.words.unknown.values())
    verdict.ends = [end for one in house.services.values() for end in one.ends]
    verdict.months = [f"{one}: {_money(found)}" for one in province.clerks.settled]
    verdict.complaints = complaints(found)
    failed = [said for code, said in nemesis.rebuilds if code]
    if failed:
        verdict.complaints["rebuild"] = [said[-500:] for said in failed]


async def _drained(house: HouseUnderTest, province: Province, nemesis: Nemesis, say: Say) -> Quiet:
    """No more blows: everything is answered, read and closed, within a bounded time."""
    house.clock.catch_up()
    found = None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN):
            await province.finish()
            await nemesis.finish()
            while found is None or not is_at_rest(found):
                await asyncio.sleep(0.5)
                with contextlib.suppress(Exception):  # who cannot be asked is not at rest
                    found = await standing_now(house)
    unanswered = province.unanswered
    if found is None:
        say(f"          the drain was not over after {DRAIN:.0f} s: {unanswered}")
        found = await standing_now(house)
    found.unanswered = unanswered
    await said_by_doors(house, found)
    return found


async def _collected(house: HouseUnderTest, place: Path, standing: Quiet) -> Evidence:
    """The services end, and what they leave is read."""
    seen = await topics_of(house.broker.bootstrap)
    await house.end_services()
    standing.hung = list(hung(house))
    dsn = house.postgres.dsn
    evidence = Evidence(
        words=words_of(read_journals(place / "journals")),
        rows=await rows_of(dsn),
        seen=seen,
        noisy=await tables_of(dsn),
        quiet={},
        entries=await entries_of(dsn),
        claims=await claims_of(dsn),
        standing=standing,
    )
    evidence.quiet = await folded_again(house)
    return evidence


def _money(found: Evidence) -> str:
    """What was made of the receipts."""
    return f"{len(found.claims)} lines in statements, {len(found.entries)} entries"

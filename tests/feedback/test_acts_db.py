"""Acts outside the sandbox: who answers for them, who comes first, and what no clockwork has recorded."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest_asyncio

from services.feedback.app import service
from services.feedback.projections.registers import fold_registers
from shared.runtime.time import ManualTime
from shared.runtime.web import create_app
from shared.testing.postgres import open_room, whole_log
from tests.feedback.test_opening import REGISTERS, put
from tests.feedback.ward import (
    BY_DISTRIBUTOR,
    BY_HOSPITAL,
    BY_MAKER,
    CITY,
    COUNTY,
    PROVINCE,
)
from tests.journeys.small_town import DISTRIBUTOR, MAKER, TICKET

OPENED = datetime(2026, 3, 2, 1, tzinfo=UTC)
PATH = f"/feedback/v1/tickets/{TICKET['ticket_id']}"
MEASURE = {"measure": "约谈", "note": "限期恢复供应"}


class Doors:
    """The doors of an installation that is no sandbox, and whose clockwork sleeps."""

    def __init__(self, http: httpx2.AsyncClient, time: ManualTime, pool: Any) -> None:
        self.http, self.time, self.pool = http, time, pool

    async def act(self, actor: str, name: str, **body: Any) -> tuple[int, str | None]:
        """Status and code of an act on the ticket."""
        headers = {"X-Jicai-Actor": actor}
        answer = await self.http.post(f"{PATH}/{name}", headers=headers, json=body)
        return answer.status_code, answer.json().get("code")

    async def get(self, path: str = PATH, actor: str = BY_HOSPITAL) -> Any:
        answer = await self.http.get(path, headers={"X-Jicai-Actor": actor})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def types(self) -> list[str]:
        """What the log holds of the ticket."""
        log = await whole_log(self.pool)
        return [row["type"].split(".")[2] for row in log if row["stream"].startswith("ticket-")]


@pytest_asyncio.fixture
async def doors(database: str) -> AsyncIterator[Doors]:
    """One ticket, opened on Monday 2 March at 09:00."""
    time = ManualTime(OPENED)
    async with open_room(database, service, time=time) as room:
        known = [put("organisation", id_, kinds=["distributor"]) for id_ in (DISTRIBUTOR, MAKER)]
        await fold_registers(room.pool, [*REGISTERS, *known])
        app = create_app({"feedback": room}, trust_actor_header=True, readiness=nothing_wrong)
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://jicai") as http:
            opened = await http.post(
                "/feedback/v1/tickets", headers={"X-Jicai-Actor": BY_HOSPITAL}, json=TICKET
            )
            assert opened.status_code == 201, opened.text
            yield Doors(http, time, room.pool)


async def nothing_wrong() -> dict[str, Any]:
    return {}


async def test_a_person_answers_for_closing(doors: Doors) -> None:
    assert await doors.act("bureau:360103", "close", reason="重复") == (404, "not_found")
    assert await doors.act(CITY, "close", reason="重复") == (403, "forbidden")
    assert await doors.act(COUNTY, "close", reason="重复") == (422, "person_missing")
    assert await doors.act(f"{COUNTY}/li.si", "close") == (422, "malformed")
    assert await doors.act(f"{COUNTY}/li.si", "close", reason="重复") == (200, None)
    assert await doors.act(f"{COUNTY}/li.si", "close", reason="重复") == (409, "wrong_state")
    assert await doors.act(COUNTY, "close", reason="重复") == (422, "person_missing")
    assert (await doors.get())["history"][-1]["by"] == f"{COUNTY}/li.si"


async def test_a_measure_needs_no_person(doors: Doors) -> None:
    assert await doors.act(COUNTY, "supervise", **MEASURE) == (200, None)


async def test_of_replies_at_once_one_stands(doors: Doors) -> None:
    """Each found the ticket open when it looked; the desk looks again behind the lock."""
    answers = await asyncio.gather(
        *(
            doors.act(by, "reply", promised_at=f"2026-03-0{day}T10:00:00+08:00")
            for by in (BY_DISTRIBUTOR, BY_MAKER)
            for day in (3, 4, 5, 6)
        )
    )
    assert Counter(answers) == {(200, None): 1, (409, "already_replied"): 7}
    assert await doors.types() == ["opened", "replied"]


async def test_of_a_confirmation_and_a_reopening_at_once_one_stands(doors: Doors) -> None:
    assert await doors.act(BY_DISTRIBUTOR, "solved") == (200, None)
    acts = ["confirm", "reopen"] * 4
    answers = await asyncio.gather(*(doors.act(BY_HOSPITAL, name) for name in acts))
    assert Counter(answers) == {(200, None): 1, (409, "wrong_state"): 7}
    done = acts[answers.index((200, None))]
    assert (await doors.get())["state"] == {"confirm": "confirmed", "reopen": "open"}[done]


async def test_what_no_clockwork_has_recorded_is_seen_and_counts_all_the_same(doors: Doors) -> None:
    """A week later the ticket stands at the city, though nothing of it is stored yet."""
    doors.time.set(OPENED + timedelta(days=8, hours=2))
    seen = await doors.get()
    assert (seen["level"], seen["bureau"]) == ("city", "360100")
    states = [item["state"] for item in (await doors.get(f"{PATH}/deadlines"))["items"]]
    assert states == ["passed", "passed", "running"]
    assert await doors.types() == ["opened"]
    # Who may act follows from it, as does what is written with the first act.
    assert await doors.act(COUNTY, "supervise", **MEASURE) == (403, "forbidden")
    assert await doors.act(CITY, "supervise", **MEASURE) == (200, None)
    assert await doors.types() == [
        "opened", "reply_overdue", "supervision_began", "escalated", "supervised",
    ]  # fmt: skip
    after = await doors.get()
    assert after["history"][:-1] == seen["history"]
    assert [item["state"] for item in (await doors.get(f"{PATH}/deadlines"))["items"]] == states


async def test_silence_has_confirmed_before_the_hospital_speaks(doors: Doors) -> None:
    assert await doors.act(BY_DISTRIBUTOR, "solved") == (200, None)
    doors.time.set(datetime(2026, 3, 5, 16, tzinfo=UTC))  # 24:00 of the 3rd working day
    assert await doors.act(BY_HOSPITAL, "reopen") == (409, "wrong_state")
    step = (await doors.get())["history"][-1]
    assert (step["type"], step["at"], step["by"]) == (
        "confirmed", "2026-03-06T00:00:00+08:00", "silence",
    )  # fmt: skip
    assert await doors.act(PROVINCE + "/wang", "close", reason="重复") == (409, "wrong_state")

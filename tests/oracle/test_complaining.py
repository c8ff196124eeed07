"""Histories with tickets: repeatable, laid over what was there, answered as the whole rule answers."""

from collections import Counter
from typing import Any

import pytest

from tests.oracle.alarms import SEEDS, alarming_history
from tests.oracle.complaining import complaining
from tests.oracle.histories import History, history
from tests.oracle.replay import play
from tests.oracle.ticket_town import CALENDAR
from tests.oracle.tickets import Ticket
from tests.oracle.wire import parse_time


def test_a_history_with_tickets_keeps_every_step_of_the_one_without() -> None:
    plain = history(3, orders=10)
    told = complaining(plain)
    assert told.steps == complaining(plain).steps
    kept = [step for step in told.steps if step[0] != "ask"]
    assert without_clock(plain.steps) == without_clock(kept)
    instants = [step[1] for step in kept if step[0] == "clock"]
    assert instants == sorted(set(instants))
    assert set(instants) >= {step[1] for step in plain.steps if step[0] == "clock"}


def without_clock(steps: list[Any]) -> list[Any]:
    """What is said, the instants left out."""
    return [step for step in steps if step[0] != "clock"]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_plain_tickets_of_the_figures_answer_as_the_whole_ticket_does(seed: int) -> None:
    """Two readings of section 9, one with levels and deadlines and one without, say the same."""
    answers: Counter[tuple[str, int | None]] = Counter()
    for told in (complaining(alarming_history(seed)), complaining(history(seed, orders=5))):
        answers.update(answered_twice(told))
    names = ("reply", "solved", "reopen")
    assert {(name, status) for name in names for status in (200, 409)} <= set(answers)
    assert {("open", 201), ("open", 200), ("confirm", 200), ("close", 200)} <= set(answers)


def answered_twice(told: History) -> Counter[tuple[str, int | None]]:
    """How often each step was answered how; both readings must agree."""
    whole: dict[str, Ticket] = {}
    answers: Counter[tuple[str, int | None]] = Counter()
    for one in play(told):
        if one.step[0] != "ask":
            continue
        _, actor, ticket_id, name, body = one.step
        answers[name, one.status] += 1
        if name != "open":
            promised = parse_time(body["promised_at"]) if "promised_at" in body else None
            verdict = whole[ticket_id].act(one.now, name, actor, promised)
            assert verdict.status == one.status, (one.now, one.step, verdict)
        elif ticket_id not in whole:
            parties = body["hospital_id"], body["addressees"]
            prominent = body.get("prominent", False)
            whole[ticket_id] = Ticket(CALENDAR, *parties, one.now, actor, prominent)
    return answers

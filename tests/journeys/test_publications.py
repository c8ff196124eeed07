"""Publications as others see them: frozen, restated with causes, and checked by an outsider.

The figures, what has changed since and what may have caused it are those of the oracle.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.testing.sandbox import Sandbox, running_sandbox
from tests.journeys.alarming import everything, figure
from tests.journeys.outsider import Outsider
from tests.journeys.playing import Players, play_step, put_all, ticket_steps
from tests.oracle.complaining import complaining
from tests.oracle.figures import scorecard, subjects
from tests.oracle.histories import History, history
from tests.oracle.orders import Orders
from tests.oracle.publications import KINDS, Publication, restatements
from tests.oracle.replay import play
from tests.oracle.wire import SHANGHAI

PLAYED_ON = ("log",)
"""`test_alerts_oracle` closes days on both buses; what was issued is rows of alerts."""

PROVINCE = "bureau:360000"
PUBLICATIONS = "/alerts/v1/publications"
Issued = tuple[dict[str, Any], Publication]


@pytest.mark.parametrize(("seed", "importer"), [(4, False), (14, True)])
def test_publications_and_restatements_are_the_oracle_s(seed: int, importer: bool) -> None:
    told = history(seed, orders=20, days=15, importer=importer)
    if not importer:
        told = complaining(told, crowded=False, others=16)
    with running_sandbox(now=told.start.isoformat()) as sandbox:
        players = Players(sandbox)
        issued, model = _play_and_publish(sandbox, players, told)
        outsider = Outsider(sandbox.url, "regulator:360000")
        assert len(issued) == 2
        restated: Counter[str] = Counter()
        for published, publication in issued:
            id_ = published["publication_id"]
            assert players[PROVINCE].get(f"{PUBLICATIONS}/{id_}").json() == published
            assert _compare_figures(players, model, published, publication) > 5
            restated.update(_compare_restatements(players, model, published, publication))
            assert outsider.roots(id_) == (published["root"], published["evidence_root"])
        assert restated.total() > 10
        assert importer or restated["feedback"] > 0


def _play_and_publish(
    sandbox: Sandbox, players: Players, told: History
) -> tuple[list[Issued], Orders]:
    """Play a history; publish twice on the way, at instants at which nothing has been posted yet."""
    put_all(players, told)
    posts = sum(step[0] == "post" for step in told.steps)
    # An importer is through with most of its facts early, and repeats itself afterwards.
    early, late = (2, 4) if told.importer else (4, 7)
    window = "2025Q4" if told.importer else "30d"
    waiting = [(posts * early // 10, window), (posts * late // 10, "90d")]
    issued: list[Issued] = []
    model, now, heard = None, told.start, 0
    for played in play(told):
        play_step(sandbox, players, played)
        model, now = played.model, played.now
        heard += played.step[0] == "post"
        if waiting and played.step[0] == "clock" and heard >= waiting[0][0]:
            issued.append(_publish(players, waiting.pop(0)[1], now))
    assert model is not None
    later = now + timedelta(days=12)
    sandbox.move(later.isoformat())
    model.advance(later)
    return issued, model


def _publish(players: Players, window: str, now: datetime) -> Issued:
    as_of = now.astimezone(SHANGHAI).date() - timedelta(days=1)
    body = {"window": window, "as_of": as_of.isoformat()}
    answer = players[PROVINCE].post(PUBLICATIONS, json=body)
    assert answer.status_code == 201, answer.text
    published = answer.json()
    assert (published["window"], published["as_of"]) == (window, as_of.isoformat())
    assert datetime.fromisoformat(published["known_at"]) == now
    return published, Publication(window, as_of, now)


def _compare_figures(
    players: Players, model: Orders, published: dict[str, Any], publication: Publication
) -> int:
    """Every frozen scorecard is the oracle's on the facts of that instant."""
    client, named = players[PROVINCE], {"publication_id": published["publication_id"]}
    count = 0
    for kind in KINDS:
        if kind == "total":
            cards = [client.get("/alerts/v1/scorecards/total", params=named).json()]
        else:
            cards = everything(client, "/alerts/v1/scorecards", subject=kind, **named)
            meant = subjects(model, publication.question(kind, ""))
            assert [card["id"] for card in cards] == sorted(meant)
        for card in cards:
            meant_card = scorecard(model, publication.question(kind, card["id"]))
            for rate, meant_rate in meant_card["rates"].items():
                assert figure(card["rates"][rate]) == figure(meant_rate), (card["id"], rate)
            assert card["score"] == meant_card["score"]
            count += 1
    return count


def _compare_restatements(
    players: Players, model: Orders, published: dict[str, Any], publication: Publication
) -> list[str]:
    """What is said to have changed has changed, nothing else has, and the causes may be causes.

    Returns the rates restated.
    """
    path = f"{PUBLICATIONS}/{published['publication_id']}/restatements"
    items = everything(players[PROVINCE], path, limit=13)
    found = {(i["subject"], i["id"], i["rate"]): i for i in items}
    steps = ticket_steps(players)
    meant = {(m.subject, m.id, m.rate): m for m in restatements(model, publication)}
    assert len(items) == len(found)
    assert found.keys() == meant.keys()
    for key, item in found.items():
        one = meant[key]
        for side, rate in (("published", one.published), ("now", one.now)):
            told = item[side]["numerator"], item[side]["denominator"]
            assert told == (rate.numerator, rate.denominator), (key, side)
        causes = {(cause["source"], cause["id"]) for cause in item["caused_by"]}
        assert causes, key
        if item["rate"] == "feedback":
            causes = {steps[cause] for cause in causes}
        assert causes <= one.may_have_caused, key
    return [rate for _, _, rate in found]


def test_a_close_that_has_not_run_is_no_reason_to_wait_for_ever() -> None:
    """A sandbox that has only just begun publishes too, and goes on where it is told to."""
    with running_sandbox() as sandbox, sandbox.client(PROVINCE) as client:
        first = client.post(PUBLICATIONS, json={"window": "30d", "as_of": "2026-01-04"})
        assert first.status_code == 201, first.text
        early = client.post(PUBLICATIONS, json={"window": "30d", "as_of": "2026-01-05"})
        assert (early.status_code, early.json()["code"]) == (422, "window_not_complete")
        sandbox.move("2026-01-06T00:00:00+08:00")
        second = client.post(PUBLICATIONS, json={"window": "30d", "as_of": "2026-01-05"})
        assert second.status_code == 201, second.text
        assert [one["publication_id"] for one in everything(client, PUBLICATIONS, limit=1)] == [
            first.json()["publication_id"],
            second.json()["publication_id"],
        ]


def test_a_publication_outlives_a_kill(tmp_path: Any) -> None:
    with running_sandbox(data=tmp_path) as sandbox, sandbox.client(PROVINCE) as client:
        body = {"window": "30d", "as_of": "2026-01-04"}
        published = client.post(PUBLICATIONS, json=body).json()
        sandbox.kill()
    with running_sandbox(data=tmp_path) as sandbox, sandbox.client(PROVINCE) as client:
        id_ = published["publication_id"]
        assert client.get(f"{PUBLICATIONS}/{id_}").json() == published
        outsider = Outsider(sandbox.url, PROVINCE)
        assert outsider.roots(id_) == (published["root"], published["evidence_root"])

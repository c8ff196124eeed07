"""What the compacted topic of open alerts keeps under each key."""

from __future__ import annotations

from datetime import date, timedelta

from services.alerts.domain.alert import acknowledged, cleared
from services.alerts.domain.open_alerts import kept
from shared.events import alerts as a
from shared.events.envelope import Record
from shared.events.topics import ALERTS, ALERTS_OPEN
from shared.kernel.clock import day_end
from shared.kernel.decider import Decided
from tests.alerts.facts import msgspec

AT = day_end(date(2026, 1, 7))
ALERT = a.Alert(
    alert_id="A3.3-response-20260107-0", rule="A3.3-response", article="(三)", title="t",
    subject="product", subject_id="P1", scope="360000", state="open", raised_at=AT,
    figure=a.Figure(numerator=0, denominator=10, percent="0.00"), threshold=95,
    definition="response.v1", evidence="/", policy_version="p", divisions=["360102"],
)  # fmt: skip


def record(type_: str, fact: object) -> Record:
    return Record(
        topic=ALERTS, stream="alert-1", version=1, source="s", event_id="e", type=type_,
        occurred_at=AT, recorded_at=AT, fact=msgspec.json.encode(fact),
    )  # fmt: skip


def left_by(decided: Decided) -> list[a.Alert | None]:
    """What a decided fact leaves on the topic."""
    left = kept(record(decided.type, decided.fact))
    assert [topic for topic, _ in left] == [ALERTS_OPEN]
    return [None if v is None else msgspec.json.decode(v, type=a.Alert) for _, v in left]


def test_an_open_alert_is_kept_with_its_acknowledgement() -> None:
    assert kept(record(a.ALERT_RAISED, ALERT)) == ((ALERTS_OPEN, msgspec.json.encode(ALERT)),)
    noted = acknowledged(ALERT, "bureau:360102", at=AT)
    assert left_by(noted) == [noted.fact]


def test_a_cleared_alert_leaves_a_tombstone() -> None:
    over = cleared(ALERT, "recovered", at=AT, parked=[])
    assert left_by(over) == [None]


def test_an_acknowledgement_after_the_clearing_does_not_bring_it_back() -> None:
    over = cleared(ALERT, "recovered", at=AT, parked=[]).fact
    late = acknowledged(over, "bureau:360102", at=AT + timedelta(days=1))
    assert late.fact.state == "cleared"
    assert left_by(late) == [None]


def test_a_list_leaves_nothing() -> None:
    assert kept(record(a.LATE_LIST_ISSUED, {})) == ()

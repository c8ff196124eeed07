"""What every reader ought to know (应有状态): each fact once, in the plain order of the logs, in one batch.

And what the closes ought to have told: the same days over the same facts, by a reader that nothing
happens to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from services.alerts.domain.rules import ALERTS_AND_LISTS
from services.settlement.domain.rules import SETTLING
from services.settlement.domain.world import NO_WORLD
from shared.events.envelope import Record
from shared.kernel.clock import local_day
from tests.simulation.arrivals import fold_arrivals
from tests.simulation.days import close_alerts
from tests.simulation.ground import CROWD_RULE
from tests.simulation.journal import Journal
from tests.simulation.lines import fold_alerts
from tests.simulation.money import close_month, fold_money
from tests.simulation.province import TOPICS, Province
from tests.simulation.tables import Database

KEPT: Final = {
    "alerts": ("lines", "subjects", "tickets", "opened", "heard", "listed", "waiting", "closes"),
    "feedback": ("orders", "ended", "arrivals"),
    "settlement": ("receipts", "invoices", "returns", "claims", "carried", "drafts", "statements"),
}


def check_readers(province: Province) -> None:
    """Every reader knows what a calm one knows, and its closes told what the calm one's told."""
    for group, database in _databases(province).items():
        calm = _calm(province, group)
        for table in KEPT[group]:
            known, meant = database.table(table), calm.table(table)
            assert known == meant, f"{table} of {group}: {_first_difference(known, meant)}"
        if database.journal is not None and calm.journal is not None:
            told, ought = _told(group, database.journal), _told(group, calm.journal)
            assert told == ought, f"{group} told {_first_difference(told, ought)}"


def _databases(province: Province) -> dict[str, Database]:
    return {
        "alerts": province.alerts,
        "feedback": province.arrivals,
        "settlement": province.settlement,
    }


def _calm(province: Province, group: str) -> Database:
    """A reader that takes each day in one batch and closes it."""
    began = province.now
    if group == "feedback":
        calm = Database()
        facts = [record for _, day in _days(province, group) for record in day]
        calm.transact(province.now, lambda tx: fold_arrivals(tx, facts))
        return calm
    if group == "alerts":
        calm = Database(Journal(ALERTS_AND_LISTS, None, began))
        fold, close = fold_alerts, close_alerts
    else:
        calm = Database(Journal(SETTLING, NO_WORLD, began))
        fold, close = fold_money, close_month
    for at, day in _days(province, group):
        calm.transact(province.now, lambda tx, day=day: fold(tx, day))
        while at is not None and at not in calm.table("closes"):

            def step(tx: Any, at: datetime = at) -> None:
                if close(tx, at):
                    tx.put("closes", at, True)

            calm.transact(province.now, step)
    return calm


def _days(province: Province, group: str) -> Iterator[tuple[datetime | None, Sequence[Record]]]:
    """The facts before each mark, and behind the last; both logs have the same marks."""
    journals = list(province.outside.values())
    places = [0] * len(journals)
    for at in [*province.orders.before, None]:
        day: list[Record] = []
        for number, journal in enumerate(journals):
            while places[number] < len(journal.log):
                record = journal.log[places[number]]
                places[number] += 1
                if record.mark is not None:
                    assert record.mark == at, f"a mark of {record.mark} stands where {at} belongs"
                    break
                if record.topic in TOPICS[group]:
                    day.append(record)
        yield at, sorted(day, key=lambda one: (one.stream, one.version))


def _told(group: str, journal: Journal) -> dict[tuple[str, str], Any]:
    """What a reader told of its own; of crowds only when and on what, for they depend on who came first."""
    told = {}
    for record in journal.log:
        if group == "settlement" and not record.type.startswith(_OF_DRAFTS):
            continue
        by_crowd = f'"{CROWD_RULE.id}"'.encode() in record.fact
        fact = b"" if by_crowd else record.fact
        at = local_day(record.recorded_at) if by_crowd else record.recorded_at
        told[record.source, record.event_id] = (at, fact)
    return told


_OF_DRAFTS: Final = ("jicai.settlement.line_accrued", "jicai.settlement.statement_drafted")


def _first_difference(known: dict[Any, Any], meant: dict[Any, Any]) -> str:
    for key in sorted(known.keys() | meant.keys(), key=str):
        if known.get(key) != meant.get(key):
            return f"{key} is {_short(known.get(key))} and should be {_short(meant.get(key))}"
    return ""


def _short(value: object) -> str:
    return f"{value!r:.160}"

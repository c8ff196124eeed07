"""How an order's facts are written down as CloudEvents: ids, sources, several ways to write a time."""

import copy
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.oracle.wire import SHANGHAI, shortest

IMPORTER = "importer:360000"


@dataclass
class Move:
    """An event that a side posts at an instant."""

    at: datetime
    actor: str
    event: dict[str, Any]


def written(rng: random.Random, instant: datetime) -> str:
    """One instant in any of the forms that the contract allows."""
    local = instant.astimezone(SHANGHAI)
    plain = local.strftime("%Y-%m-%dT%H:%M:%S")
    return rng.choice(
        [
            plain + "+08:00",
            plain + "+08:00",
            plain.replace("T", " "),
            instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        ]
    )


def event(source: str, key: str, kind: str, time: str, data: dict[str, Any]) -> dict[str, Any]:
    """A structured CloudEvent."""
    return {
        "specversion": "1.0",
        "id": key,
        "source": source,
        "type": f"jicai.{kind}.v1",
        "time": time,
        "datacontenttype": "application/json",
        "data": data,
    }


class Pen:
    """Writes one order's events in the name of its two sides (or of the importer)."""

    def __init__(
        self, rng: random.Random, order_id: str, hospital: str, distributor: str, importer: bool
    ) -> None:
        self.rng, self.order_id, self.importer = rng, order_id, importer
        self.sides = {"hospital": hospital, "distributor": distributor}
        self.moves: list[Move] = []

    def time(self, instant: datetime) -> str:
        """An instant as this side happens to write it."""
        return written(self.rng, instant)

    def say(
        self,
        side: str,
        kind: str,
        data: dict[str, Any],
        at: datetime,
        occurred: datetime | None = None,
    ) -> None:
        """Post a new event at an instant; without `occurred` it happened then."""
        own = self.sides[side]
        source = f"urn:jicai:{own}" + self.rng.choice(["", ":his"])
        key = f"{self.order_id}:{len(self.moves) + 1}"
        made = event(source, key, kind, self.time(occurred or at), copy.deepcopy(data))
        if self.rng.random() < 0.2:
            made["subject"] = self.order_id
        if self.rng.random() < 0.1:
            made["data"]["note"] = {"备注": "€\u2028é", "n": 1, "deep": [None, True, "\t"]}
        actor = IMPORTER if self.importer else f"{side}:{own}"
        self.moves.append(Move(at, actor, made))

    def again(self, at: datetime) -> None:
        """Post the last event once more."""
        last = self.moves[-1]
        self.moves.append(Move(at, last.actor, copy.deepcopy(last.event)))

    def receipt_rows(self, loads: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What the hospital makes of what was sent: mostly all accepted."""
        totals: dict[str, Decimal] = {}
        for load in loads:
            sofar = totals.get(load["line_id"], Decimal(0))
            totals[load["line_id"]] = sofar + Decimal(load["quantity"])
        rows = []
        for line_id, total in totals.items():
            bad = self.rng.choices([Decimal(0), min(total, Decimal("0.1")), total], [80, 14, 6])[0]
            row = {"line_id": line_id, "accepted": shortest(total - bad), "rejected": shortest(bad)}
            if bad:
                reasons = ["damaged", "no_longer_needed", "hospital_request", "expired"]
                row["reject_reason"] = self.rng.choice(reasons)
            rows.append(row)
        return rows

    def aftermath(self, receipt_id: str, rows: list[dict[str, Any]], told: datetime) -> None:
        """A return and its answer, an invoice and its credit."""
        taken = [row for row in rows if Decimal(row["accepted"]) > 0]
        if not taken:
            return
        base = {"order_id": self.order_id, "receipt_id": receipt_id}
        row, hour = taken[0], timedelta(hours=1)
        if self.rng.random() < 0.3:
            back = [{"line_id": row["line_id"], "quantity": "0.0002"}]
            request = {**base, "return_id": f"T{receipt_id}", "lines": back, "reason": "近效期"}
            self.say("hospital", "return.requested", request, told + 20 * hour)
            answer: dict[str, Any] = {"return_id": f"T{receipt_id}", "order_id": self.order_id}
            answer["confirmed"] = self.rng.random() < 0.7
            self.say("distributor", "return.answered", answer, told + 30 * hour)
            rest = [{"line_id": row["line_id"], "quantity": row["accepted"]}]
            for wait in self.rng.choice([[], [22], [22, 32]]):
                more = request | {"return_id": f"T{wait}{receipt_id}", "lines": rest}
                self.say("hospital", "return.requested", more, told + wait * hour)
        if self.rng.random() < 0.5:
            price = "1000.0001" if self.rng.random() < 0.1 else "0.5"
            sold = {"line_id": row["line_id"], "quantity": row["accepted"], "unit_price": price}
            bill = {**base, "invoice_number": "044001900111", "lines": [sold]}
            sale = {**bill, "invoice_id": f"I{receipt_id}", "kind": "sale"}
            self.say("distributor", "invoice.registered", sale, told + 25 * hour)
            if self.rng.random() < 0.3:
                credit = {**bill, "invoice_id": f"C{receipt_id}", "kind": "credit"}
                credit["lines"] = [{**sold, "unit_price": "0.5"}]
                if self.rng.random() < 0.5:
                    credit["return_id"] = f"T{receipt_id}"
                self.say("distributor", "invoice.registered", credit, told + 40 * hour)

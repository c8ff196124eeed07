"""Bad events made from good ones: every rejection code, and several faults at once.

Each maker takes an event that was posted before (whatever became of it) and returns an event that
should be refused, or that repeats it. Some turn out to be acceptable after all; the model says.
"""

import copy
import random
from datetime import datetime, timedelta
from typing import Any

from tests.oracle.province import Province
from tests.oracle.spoilers import SPOILERS, Mess
from tests.oracle.wire import parse_time
from tests.oracle.wording import IMPORTER, Move, written

Event = dict[str, Any]


def turned(value: Any) -> Any:
    """The same JSON with every object's keys in the opposite order."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    return [turned(one) for one in value] if isinstance(value, list) else value


class Mischief:
    """Knows what was posted so far and spoils copies of it."""

    def __init__(self, rng: random.Random, land: Province) -> None:
        self.rng, self.land = rng, land
        self.mess = Mess(rng, land)
        self.past: list[Move] = []

    def fresh(self, kind: str, actor: str | None = None) -> Event | None:
        """A copy, under a new id, of a recent event whose type contains `kind`."""
        fits = [
            move
            for move in self.past[-400:]
            if kind in move.event["type"] and actor in (None, move.actor)
        ]
        if not fits:
            return None
        event = copy.deepcopy(self.rng.choice(fits).event)
        self.mess.made += 1
        event["id"] = f"bad-{self.mess.made}"
        return event

    def at(self, now: datetime, actor: str) -> Event | None:
        """One bad event that this actor could post now."""
        for _ in range(5):
            kind, spoil = self.rng.choice(SPOILERS)
            event = self.fresh(kind, actor)
            if event is not None:
                break
        else:
            return None
        event["time"] = written(self.rng, min(now, parse_time(event["time"])))
        spoil(self.mess, event, now)
        if self.rng.random() < 0.1:
            event["time"] = written(self.rng, now + timedelta(minutes=6))
        return event

    def repeat(self, actor: str, now: datetime) -> Event | None:
        """An earlier event of the actor again: turned around, in another zone, or altered."""
        mine = [move for move in self.past[-400:] if move.actor == actor]
        if not mine:
            return None
        event: Event = turned(copy.deepcopy(self.rng.choice(mine).event))
        event["time"] = written(self.rng, parse_time(event["time"]))
        if self.rng.random() < 0.4:
            self.alter(event)
        return event

    def alter(self, event: Event) -> None:
        """Other content under the same id."""
        change = self.rng.choice(["time", "subject", "data", "future"])
        shift = {"time": timedelta(seconds=-1), "future": timedelta(days=400)}.get(change)
        if shift:
            event["time"] = written(self.rng, parse_time(event["time"]) + shift)
        elif change == "subject":
            event["subject"] = "another"
        else:
            event["data"]["remark"] = "changed"

    def stranger(self, now: datetime) -> Move | None:
        """Someone posts what is not theirs, or asks in the name of a hospital nobody knows."""
        event = self.fresh("")
        if event is None or any(move.actor == IMPORTER for move in self.past[:1]):
            return None
        event["time"] = written(self.rng, min(now, parse_time(event["time"])))
        actors = [f"hospital:{one}" for one in self.land.hospitals]
        actors += [f"distributor:{one}" for one in self.land.distributors]
        actors += ["bureau:360000", f"manufacturer:{self.land.manufacturers[0]}"]
        actor = self.rng.choice(actors)
        sure = actor.startswith("distributor") or "order.placed" in event["type"]
        if sure and self.rng.random() < 0.7:
            event["source"] = f"urn:jicai:{actor.split(':')[1]}"
        if self.rng.random() < 0.2:
            nobody = self.land.unknown_hospital
            order = self.fresh("order.placed")
            if order:
                order["source"] = f"urn:jicai:{nobody}"
                order["time"] = written(self.rng, now)
                order["data"] |= {"hospital_id": nobody, "order_id": f"{nobody}-{self.mess.made}"}
                return Move(now, f"hospital:{nobody}", order)
        return Move(now, actor, event)

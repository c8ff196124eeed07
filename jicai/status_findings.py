"""What `jicai status` found, and what of it is not well (运行状况判定)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from jicai.rooms import SERVICES
from shared.store.standing import Standing

LAG_SOME: Final = 10_000
HORIZON_SECONDS: Final = 10
OVERDUE_SECONDS: Final = 60
HELD_SECONDS: Final = 900
"""From here on a figure is a fault; the same limits as in the Prometheus rules."""


@dataclass(slots=True)
class Door:
    """What a service says of itself; `wrong` is empty when it is ready."""

    url: str
    wrong: str = ""


@dataclass(slots=True)
class Status:
    """Everything the page shows."""

    at: datetime
    doors: dict[str, Door] = field(default_factory=dict)
    silent: list[str] = field(default_factory=list)
    """Addresses that did not answer."""
    standings: dict[str, Standing] = field(default_factory=dict)
    tickets: dict[tuple[str, str | None], int] = field(default_factory=dict)
    """Those under way, by state and level of supervision."""
    horizon: float = 0.0
    database: str = ""
    """What is wrong with the database; empty when it answered."""
    bus: str = ""
    """What is wrong with the broker; empty when it answered or there is none."""

    def faults(self) -> list[str]:
        """What is not well, one line each."""
        found = [f"{url} 不通 / does not answer" for url in self.silent]
        found += [f"{name} 未运行 / is not served" for name in SERVICES if name not in self.doors]
        found += [f"{name}: {door.wrong}" for name, door in self.doors.items() if door.wrong]
        if self.database:
            found.append(f"数据库 / database: {self.database}")
        if self.bus:
            found.append(f"消息代理 / broker: {self.bus}")
        if self.horizon > HORIZON_SECONDS:
            found.append(f"最老事务 {self.horizon:.0f} 秒 / a transaction holds every reader up")
        for standing in self.standings.values():
            found += [f"{standing.service}: {what}" for what in self._faults_of(standing)]
        return found

    def _faults_of(self, standing: Standing) -> list[str]:
        found = []
        if standing.parked_keys:
            found.append(f"搁置 {standing.parked_keys} 键 / parked keys")
        if max([*standing.lag.values(), standing.relay_lag or 0]) >= LAG_SOME:
            found.append("积压过多 / lags behind")
        if self.seconds_since(standing.held_since) > HELD_SECONDS:
            found.append("结账等待过久 / a close waits too long")
        if self.seconds_since(standing.next_due) > OVERDUE_SECONDS:
            found.append("到期事项未处理 / deadlines are overdue")
        return found

    def seconds_since(self, at: datetime | None) -> float:
        """How long ago; 0 for what lies ahead or is not there."""
        return 0.0 if at is None else max(0.0, (self.at - at).total_seconds())

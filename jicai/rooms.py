"""The four services by name (四个服务)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.alerts.app import service as alerts
from services.feedback.app import service as feedback
from services.orders.app import service as orders
from services.settlement.app import service as settlement
from shared.runtime.service import Service

SERVICES: Final[dict[str, Service]] = {
    service.name: service for service in (orders, alerts, feedback, settlement)
}


def chosen(name: str) -> Sequence[Service]:
    """One service by its name, or all of them."""
    return list(SERVICES.values()) if name == "all" else [SERVICES[name]]

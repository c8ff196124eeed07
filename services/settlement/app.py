"""settlement, put together."""

from __future__ import annotations

from fastapi import APIRouter

from shared.runtime.service import Service

router = APIRouter()

service = Service(name="settlement", router=router, migrations="services.settlement")

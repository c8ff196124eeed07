"""Settings as a value (设置): built at the edge, passed down, never read at import."""

from __future__ import annotations

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Everything an operator may set, from `JICAI_*` in the environment or a `.env` file."""

    model_config = SettingsConfigDict(env_prefix="JICAI_", env_file=".env", extra="ignore")

    database_url: str | None = None
    """PostgreSQL; without it an embedded one runs in `data`."""
    data: Path = Path(".jicai")
    host: str = "127.0.0.1"
    port: int = 8000
    policy: Path | None = None
    log_level: str = "INFO"
    trust_actor_header: bool = False
    """Development only: take X-Jicai-Actor outside the sandbox."""

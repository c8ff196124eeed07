"""Settings as a value (设置): built at the edge, passed down, never read at import."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Everything an operator may set, from `JICAI_*` in the environment or a `.env` file."""

    # Compose files pass on what is not set as an empty word.
    model_config = SettingsConfigDict(
        env_prefix="JICAI_", env_file=".env", extra="ignore", env_ignore_empty=True
    )

    database_url: str | None = None
    """PostgreSQL; without it an embedded one runs in `data`."""
    data: Path = Path(".jicai")
    host: str = "127.0.0.1"
    port: int = 8000
    policy: Path | None = None
    log_level: str = "INFO"
    trust_actor_header: bool = False
    """Development only: take X-Jicai-Actor outside the sandbox."""
    secrets_key: SecretStr | None = None
    """Seals the callers' secrets in the database; without it the role jicai_access reads them plain."""
    kafka_bootstrap: str | None = None
    """`host:port,host:port` of the brokers; without it the services travel on the log bus."""
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_username: str | None = None
    kafka_password: SecretStr | None = None
    kafka_ca_file: Path | None = None
    """Certificates of the broker's authority (PEM); without it the system's."""
    kafka_cert_file: Path | None = None
    """Our own certificate and its key (PEM), where the broker asks for one."""
    kafka_key_file: Path | None = None
    rate_requests: float = Field(default=100.0, ge=0)
    """A second, for each organisation and in each process; 0 is no limit, here and below."""
    rate_events: float = Field(default=2000.0, ge=0)
    rate_bytes: float = Field(default=4 * 1024 * 1024, ge=0)
    rate_burst_seconds: float = Field(default=30.0, gt=0)
    """So many seconds' worth may come at once."""
    bodies_bytes: int = Field(default=48 * 1024 * 1024, ge=4 * 1024 * 1024)
    """Of all bodies at once in this process; beyond it is 503."""
    receive_seconds: float = Field(default=60.0, gt=0)
    """A request's head has so long to arrive, and its body again."""
    clock_offset_file: Path | None = None
    """Tests only: the seconds in this file are added to the database's clock, read again and again."""

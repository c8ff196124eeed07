"""Where the broker is, how to speak to it, and what our groups and topics are called there."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any

from shared.bus.wire import PARTITIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaAddress:
    """A broker and our names on it; prefixes let several installations share one."""

    bootstrap: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    username: str | None = None
    password: str | None = None
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    topic_prefix: str = ""
    group_prefix: str = "jicai-"
    partitions: int = PARTITIONS
    session_timeout_ms: int = 10_000

    def client(self) -> dict[str, Any]:
        """The options that every client takes."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap.split(","),
            "security_protocol": self.security_protocol,
        }
        if "SSL" in self.security_protocol:
            options["ssl_context"] = self._tls()
        if "SASL" in self.security_protocol:
            options |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return options

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context

"""Where the broker is, how to speak to it, and what our groups and topics are called there."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from shared.bus.wire import PARTITIONS


class UnusableTlsFile(Exception):
    """A certificate or key is missing or not what it should be; the text names the file."""


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
        """Read anew for each client: a renewed certificate needs no restart."""
        with _naming(self.ca_file):
            context = ssl.create_default_context(cafile=self.ca_file)
        if self.cert_file is not None:
            with _naming(self.cert_file, self.key_file):
                context.load_cert_chain(self.cert_file, self.key_file, password=_no_passphrase)
        return context


@contextmanager
def _naming(*files: str | None) -> Iterator[None]:
    """OpenSSL says what is wrong, and not with which file."""
    try:
        yield
    except OSError as error:
        named = ", ".join(filter(None, files))
        raise UnusableTlsFile(f"证书文件不可用 / unusable: {named}: {error}") from error


def _no_passphrase() -> str:
    """Without this OpenSSL would ask at the terminal and wait for ever."""
    raise OSError("密钥须不加密 / the key must stand there without a passphrase")

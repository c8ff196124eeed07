"""A broker whose doors are guarded: by name and password, and by the client's certificate (准入)."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from shared.testing.broker_jars import broker_jars, find_java
from shared.testing.broker_process import ProcessBroker
from tests.shared.certificates import Authority

USER, PLAIN, SCRAM = "jicai", "a plain password", "a-scrambled-password"
PASSWORD, CERTIFICATE = "PASSWORD", "CERTIFICATE"

_JAAS: Final = "org.apache.kafka.common.security"


class GuardedBroker:
    """Its doors, and the files that open them."""

    def __init__(self, broker: ProcessBroker, ours: Authority, folder: Path) -> None:
        self.open_door = broker.bootstrap
        self.password_door = broker.listeners[PASSWORD]
        self.certificate_door = broker.listeners[CERTIFICATE]
        stranger = Authority(folder, "stranger")
        self.ca, self.unknown_ca = str(ours.file), str(stranger.file)
        self.cert, self.key, _ = map(str, ours.issue("jicai"))
        self.foreign_cert, self.foreign_key, _ = map(str, stranger.issue("jicai"))


@contextmanager
def guarded_broker(folder: Path) -> Iterator[GuardedBroker]:
    """A process of our own: what listens, and to whom, is set when a broker starts."""
    ours = Authority(folder, "ours")
    _, _, keystore = ours.issue("broker", address="127.0.0.1")
    properties = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(keystore),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(ours.file),
        "listener.name.certificate.ssl.client.auth": "required",
        "listener.name.password.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
        "listener.name.password.plain.sasl.jaas.config": (
            f'{_JAAS}.plain.PlainLoginModule required user_{USER}="{PLAIN}";'
        ),
        "listener.name.password.scram-sha-512.sasl.jaas.config": (
            f"{_JAAS}.scram.ScramLoginModule required;"
        ),
    }
    broker = ProcessBroker(properties, listeners={PASSWORD: "SASL_SSL", CERTIFICATE: "SSL"})
    try:
        _add_scram_user(broker.bootstrap)
        yield GuardedBroker(broker, ours, folder)
    finally:
        broker.remove()


def _add_scram_user(bootstrap: str) -> None:
    """As an operator does, with the broker's own tool: our client cannot."""
    subprocess.run(
        [find_java(), "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
         "-cp", f"{broker_jars()}/*", "kafka.admin.ConfigCommand", "--bootstrap-server", bootstrap,
         "--alter", "--entity-type", "users", "--entity-name", USER,
         "--add-config", f"SCRAM-SHA-512=[iterations=4096,password={SCRAM}]"],
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip

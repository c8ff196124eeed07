"""Kafka settings that cannot be meant are refused at the start, in one sentence that names them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer import BadParameter

from jicai.topics import address_of
from tests.shared.certificates import Authority
from tests.shared.operator_settings import kafka_settings

SOMEWHERE = {"BOOTSTRAP": "kafka:9092"}
CREDENTIALS = {"USERNAME": "jicai", "PASSWORD": "secret"}


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        (
            {"SECURITY_PROTOCOL": "SASL_SSL", "PASSWORD": "secret"},
            "SASL_SSL needs JICAI_KAFKA_USER",
        ),
        ({"SECURITY_PROTOCOL": "SASL_PLAINTEXT", "USERNAME": "jicai"}, "and JICAI_KAFKA_PASSWORD$"),
        (CREDENTIALS, "=PLAINTEXT would not use JICAI_KAFKA_USERNAME and JICAI_KAFKA_PASSWORD$"),
        ({"SECURITY_PROTOCOL": "SSL", "PASSWORD": "secret"}, "SSL would not use JICAI_KAFKA_PASS"),
        ({"CA_FILE": "ca.pem"}, "=PLAINTEXT would not use JICAI_KAFKA_CA_FILE$"),
        (
            {"SECURITY_PROTOCOL": "SASL_PLAINTEXT", "CA_FILE": "ca.pem", **CREDENTIALS},
            "=SASL_PLAINTEXT would not use JICAI_KAFKA_CA_FILE$",
        ),
        ({"SECURITY_PROTOCOL": "SSL", "CERT_FILE": "jicai.pem"}, "KEY_FILE are set together"),
        ({"SECURITY_PROTOCOL": "SSL", "KEY_FILE": "jicai.key"}, "KEY_FILE are set together"),
    ],
)
def test_what_the_client_would_pass_over_or_stumble_on_is_refused(
    written: Mapping[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = kafka_settings(monkeypatch, {**SOMEWHERE, **written})
    with pytest.raises(BadParameter, match=sentence) as refused:
        address_of(settings)
    assert "\n" not in refused.value.message


def test_every_protocol_is_taken_with_what_belongs_to_it(
    ours: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty word is as good as none: compose files pass on what is not set."""
    certificate, key, _ = ours.issue("jicai")
    authority = {"CA_FILE": str(ours.file)}
    own = {**authority, "CERT_FILE": str(certificate), "KEY_FILE": str(key)}
    empty = {"USERNAME": "", "PASSWORD": "", "CA_FILE": "", "CERT_FILE": "", "KEY_FILE": ""}
    for protocol, belonging in [
        ("PLAINTEXT", {}),
        ("PLAINTEXT", empty),
        ("SSL", {}),
        ("SSL", {**empty, **authority}),
        ("SSL", own),
        ("SASL_PLAINTEXT", CREDENTIALS),
        ("SASL_SSL", {**authority, **CREDENTIALS}),
        ("SASL_SSL", {**own, **CREDENTIALS}),
    ]:
        written = {**SOMEWHERE, "SECURITY_PROTOCOL": protocol, **belonging}
        with monkeypatch.context() as these:
            address = address_of(kafka_settings(these, written))
        assert address is not None
        assert address.client()["security_protocol"] == protocol


def test_without_a_broker_nothing_is_asked_of_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    for bootstrap in ({}, {"BOOTSTRAP": ""}):
        with monkeypatch.context() as these:
            assert address_of(kafka_settings(these, {**bootstrap, **CREDENTIALS})) is None


def test_a_file_that_cannot_be_used_is_named(
    ours: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sealed key too: OpenSSL would ask for its passphrase at the terminal and wait."""
    certificate, key, _ = ours.issue("jicai")
    _, sealed, _ = ours.issue("sealed", passphrase="secret")
    _, others, _ = ours.issue("another")
    (tmp_path / "empty.pem").touch()
    own = {"CERT_FILE": str(certificate), "KEY_FILE": str(key)}
    for changed, words in [
        ({"CA_FILE": f"{tmp_path}/gone.pem"}, "gone.pem: .*No such file"),
        ({"CA_FILE": f"{tmp_path}/empty.pem"}, "empty.pem: .*no certificate"),
        ({**own, "KEY_FILE": f"{tmp_path}/gone.key"}, "gone.key: .*No such file"),
        ({**own, "KEY_FILE": str(others)}, "ours-another.key: .*key values mismatch"),
        ({**own, "KEY_FILE": str(sealed)}, "ours-sealed.key: .*without a passphrase"),
    ]:
        written = {**SOMEWHERE, "SECURITY_PROTOCOL": "SSL", **changed}
        with monkeypatch.context() as these:
            settings = kafka_settings(these, written)
        with pytest.raises(BadParameter, match=words):
            address_of(settings)


@pytest.mark.parametrize("command", [["serve", "orders"], ["topics", "apply"]])
def test_a_command_ends_with_the_sentence_before_anything_is_started(
    command: list[str], tmp_path: Path
) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JICAI_")}
    written = {"JICAI_KAFKA_BOOTSTRAP": "kafka:9092", "JICAI_KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}
    ended = subprocess.run(
        [sys.executable, "-m", "jicai", *command], capture_output=True, text=True, timeout=60,
        cwd=tmp_path, env={**kept, **written, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert ended.returncode == 2, ended.stderr
    assert "JICAI_KAFKA_USERNAME" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []

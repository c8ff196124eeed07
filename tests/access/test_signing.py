"""The string that is signed and its HMAC: our own signing against the published vectors."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from shared.runtime import signing
from tests.access.signer import sign

VECTORS = Path(__file__).resolve().parents[2] / "docs" / "clients" / "signing-vectors.json"
CASES: list[dict[str, Any]] = json.loads(VECTORS.read_text(encoding="utf-8"))["vectors"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_published_vectors_hold(case: dict[str, Any]) -> None:
    body, algorithm = base64.b64decode(case["body_base64"]), case["algorithm"]
    text = signing.string_to_sign(
        case["method"], case["target"].encode(), case["timestamp"], case["nonce"], body, algorithm
    )
    assert text.decode() == case["string_to_sign"]
    assert signing.signature_of(case["secret"], text, algorithm) == case["signature"]
    assert signing.is_signed(case["secret"], text, case["signature"], algorithm)
    assert not signing.is_signed(case["secret"] + "0", text, case["signature"], algorithm)
    fields = (case[k] for k in ("secret", "method", "target", "timestamp", "nonce"))
    assert sign(*fields, body, algorithm) == case["signature"]


def test_the_vectors_hold_what_is_easily_got_wrong() -> None:
    """Each algorithm, empty and binary and compressed bodies, escapes, a secret beyond one block."""
    assert {c["algorithm"] for c in CASES} == {"sm3", "sha256"}
    for algorithm in ("sm3", "sha256"):
        mine = [c for c in CASES if c["algorithm"] == algorithm]
        bodies = [base64.b64decode(c["body_base64"]) for c in mine]
        assert len(mine) >= 6
        assert b"" in bodies
        assert any(b.startswith(b"\x1f\x8b") for b in bodies)
        assert any("不再需要".encode() in b for b in bodies)
        assert any("category=drug&category=" in c["target"] for c in mine)
        assert any(len(c["secret"].encode()) > 64 for c in mine)


def test_the_hashes_are_those_of_their_standards() -> None:
    """GB/T 32905-2016 appendix A, and FIPS 180-4."""
    assert signing.body_hash(b"abc", "sm3") == (
        "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    )
    assert signing.body_hash(b"abcd" * 16, "sm3") == (
        "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
    )
    assert signing.body_hash(b"abc", "sha256") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )

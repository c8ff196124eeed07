"""A small authority for tests: it signs a certificate for a broker and one for a client (证书)."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID


class Authority:
    """Signs certificates; everything is written as PEM into one folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._key = ec.generate_private_key(ec.SECP256R1())
        own = _unsigned(name, name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self._pem = _pem(own.sign(self._key, hashes.SHA256()))
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self._pem)

    def issue(
        self, name: str, *, address: str = "", passphrase: str = ""
    ) -> tuple[Path, Path, Path]:
        """A certificate, its key, and both in one file; for an address where a server has it."""
        key = ec.generate_private_key(ec.SECP256R1())
        asked = _unsigned(name, self._name, key)
        if address:
            at = x509.IPAddress(ipaddress.ip_address(address))
            asked = asked.add_extension(x509.SubjectAlternativeName([at]), critical=False)
        certificate = _pem(asked.sign(self._key, hashes.SHA256()))
        sealed: KeySerializationEncryption = (
            BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
        )
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed)
        stem = f"{self._name}-{name}"
        files = tuple(self._folder / f"{stem}.{end}" for end in ("pem", "key", "both.pem"))
        for file, content in zip(files, (certificate, private, private + certificate), strict=True):
            file.write_bytes(content)
        return files


def _unsigned(name: str, issuer: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)

"""Secrets at rest (密钥静态加密): AES-256-GCM under JICAI_SECRETS_KEY, bound to the key they belong to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES: Final = 12


class Sealed(Exception):
    """A stored secret is encrypted, and this process has not the key that opens it."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """How secrets are stored: sealed where `secrets_key` is set, else as they are."""

    secrets_key: str | None = None

    @property
    def is_on(self) -> bool:
        return bool(self.secrets_key)

    def close(self, key: str, secret: str) -> bytes:
        """What goes into the table. The key's id is authenticated: a row cannot lend its secret."""
        if not self.is_on:
            return secret.encode()
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher().encrypt(nonce, secret.encode(), key.encode())

    def open(self, key: str, stored: bytes, *, sealed: bool) -> str:
        """The secret again; Sealed where it is encrypted under a key that is not here."""
        if not sealed:
            return stored.decode()
        if not self.is_on:
            raise Sealed("JICAI_SECRETS_KEY is not set")
        try:
            nonce, text = stored[:_NONCE_BYTES], stored[_NONCE_BYTES:]
            return self._cipher().decrypt(nonce, text, key.encode()).decode()
        except InvalidTag:
            raise Sealed("JICAI_SECRETS_KEY is not the one it was sealed with") from None

    def _cipher(self) -> AESGCM:
        assert self.secrets_key is not None
        derive = HKDF(SHA256(), length=32, salt=None, info=b"jicai access secrets")
        return AESGCM(derive.derive(self.secrets_key.encode()))

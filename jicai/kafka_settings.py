"""What the Kafka settings say together: a combination that nobody can mean is refused (消息代理设置).

The client would pass over what it does not use: an operator who names a password or an authority
and forgets the protocol would believe that the connection is guarded.
"""

from __future__ import annotations

from typing import Final

from shared.runtime.settings import Settings

_PROTOCOL: Final = "JICAI_KAFKA_SECURITY_PROTOCOL"
_CREDENTIALS: Final = ("kafka_username", "kafka_password")
_FILES: Final = ("kafka_ca_file", "kafka_cert_file", "kafka_key_file")
_OWN: Final = ("kafka_cert_file", "kafka_key_file")


def kafka_fault(settings: Settings) -> str | None:
    """The first combination that cannot be meant, in one sentence."""
    protocol = settings.kafka_security_protocol
    said = f"{_PROTOCOL}={protocol}"
    has_sasl, has_tls = "SASL" in protocol, "SSL" in protocol
    credentials, files = _given(settings, _CREDENTIALS), _given(settings, _FILES)
    if has_sasl and len(credentials) < len(_CREDENTIALS):
        return f"{said} 须设置用户名和密码 / {said} needs {_names(_CREDENTIALS, ' and ')}"
    if credentials and not has_sasl:
        return f"{said} 不使用用户名和密码 / {said} would not use {_names(credentials, ' and ')}"
    if files and not has_tls:
        return f"{said} 不加密, 不使用证书文件 / {said} would not use {_names(files, ' and ')}"
    if 0 < len(_given(settings, _OWN)) < len(_OWN):
        own = _names(_OWN, " and ")
        return f"证书与其密钥须同时设置 / {own} are set together or not at all"
    return None


def _given(settings: Settings, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those that are set."""
    return tuple(name for name in names if getattr(settings, name))


def _names(settings: tuple[str, ...], between: str) -> str:
    return between.join(f"JICAI_{name.upper()}" for name in settings)

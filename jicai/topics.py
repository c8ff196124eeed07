"""`jicai topics`: what the broker must have before services run over it (主题)."""

from __future__ import annotations

import asyncio

import asyncpg
import typer

from jicai.kafka_settings import kafka_fault
from jicai.rooms import chosen
from shared.bus.address import KafkaAddress, UnusableTlsFile
from shared.bus.kafka import KafkaBus
from shared.runtime.house import House, topics_of
from shared.runtime.settings import Settings
from shared.store.checkpoints import begin_at


def address_of(settings: Settings) -> KafkaAddress | None:
    """The broker that the settings name, if they name one; BadParameter where they cannot be meant."""
    if settings.kafka_bootstrap is None:
        return None
    if fault := kafka_fault(settings):
        raise typer.BadParameter(fault)
    password = settings.kafka_password
    address = KafkaAddress(
        bootstrap=settings.kafka_bootstrap,
        security_protocol=settings.kafka_security_protocol,
        sasl_mechanism=settings.kafka_sasl_mechanism,
        username=settings.kafka_username,
        password=None if password is None else password.get_secret_value(),
        ca_file=_text(settings.kafka_ca_file),
        cert_file=_text(settings.kafka_cert_file),
        key_file=_text(settings.kafka_key_file),
    )
    try:
        address.client()
    except UnusableTlsFile as error:
        raise typer.BadParameter(str(error)) from None
    return address


def run_apply(settings: Settings, *, replication: int, retention_days: int) -> list[str]:
    """Make what is missing for all four services; the names of what was made."""
    address = address_of(settings)
    if address is None:
        raise typer.BadParameter("请设置 JICAI_KAFKA_BOOTSTRAP / set JICAI_KAFKA_BOOTSTRAP")
    wanted = topics_of(chosen("all"))
    return asyncio.run(
        KafkaBus(address).apply_topics(
            wanted, replication=replication, retention_days=retention_days
        )
    )


async def prepare_topics(house: House, bus: KafkaBus, *, is_fresh: bool) -> None:
    """The topics for a sandbox; one that starts empty begins behind what others left on them."""
    await bus.apply_topics(topics_of(house.services))
    if not is_fresh:
        return
    connection = await asyncpg.connect(house.dsn)
    try:
        for service in house.services:
            if service.topics:
                ends = await bus.ends(service.name, service.topics)
                await connection.execute(f"SET search_path TO {service.name}")
                await begin_at(connection, service.name, ends)
    finally:
        await connection.close()


def _text(path: object) -> str | None:
    return None if path is None else str(path)

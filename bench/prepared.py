"""A database with our schemas and the town in it, to copy from."""

from __future__ import annotations

from bench.machine import Machine, Program
from bench.town import register

TEMPLATE = "prepared"


async def prepare(machine: Machine) -> None:
    """Make the template: migrated, every register filled, nobody connected."""
    dsn = await machine.create(TEMPLATE)
    machine.call("jicai", "migrate", dsn=dsn)
    program = serve(machine, "orders", dsn)
    register(program.url)
    machine.end_programs()


def serve(machine: Machine, service: str, dsn: str, kafka: str = "") -> Program:
    """`jicai serve` for one service on a free port."""
    return machine.run("jicai", "serve", service, "--port", "0", dsn=dsn, kafka=kafka)

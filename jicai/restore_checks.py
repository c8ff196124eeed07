"""What must hold before a backup is loaded and before it is believed (恢复检查)."""

from __future__ import annotations

from typing import Any

from jicai.backup_manifest import Manifest, Unusable
from jicai.backup_tables import SCHEMAS
from jicai.rooms import SERVICES
from services.settlement.api.ledger.verifying import prove
from shared.runtime.access import PACKAGE, SCHEMA
from shared.store.migrations import SchemaState, migrations_of


def packages() -> dict[str, str]:
    """Whose migrations make which schema."""
    return {name: service.migrations for name, service in SERVICES.items()} | {SCHEMA: PACKAGE}


def check_program(manifest: Manifest) -> None:
    """This program knows every file that the backup's schemas were made by, and none was changed."""
    for schema, applied in manifest.migrations.items():
        known = {m.name: m.sha256 for m in migrations_of(packages()[schema])}
        state = SchemaState(
            missing=[],
            unknown=sorted(name for name in applied if name not in known),
            changed=sorted(name for name, sha in applied.items() if known.get(name, sha) != sha),
        )
        if not state.is_current:
            raise Unusable(
                f"备份由另一版本 ({manifest.version}) 生成 / made by another version:"
                f" the schema of {schema} is {state}"
            )


async def check_target(connection: Any, replace: str | None) -> None:
    """Nobody works on the database, and it is empty, or named twice over."""
    if names := await working_services(connection):
        raise Unusable(f"请先停止服务 / services are running, stop them first: {names}")
    name = await connection.fetchval("SELECT current_database()")
    if replace not in (None, name):
        raise Unusable(f"这里的数据库是 {name}, 不是 {replace} / the database here is {name}")
    if replace is None and (found := await _holds(connection)):
        raise Unusable(
            f"数据库 {name} 非空 ({', '.join(found)}) / is not empty: choose an empty one, or say"
            f" --replace --database {name}, which deletes what is there"
        )


async def working_services(connection: Any) -> str:
    """Who works on this database now, by the names of their connections."""
    rows = await connection.fetch(
        """SELECT DISTINCT application_name FROM pg_stat_activity
           WHERE datname = current_database() AND application_name LIKE 'jicai-%' ORDER BY 1"""
    )
    return ", ".join(row[0] for row in rows)


async def _holds(connection: Any) -> list[str]:
    """The schemas that hold a fact or a key."""
    found = []
    for schema in SCHEMAS:
        table = f"{schema}.keys" if schema == SCHEMA else f"{schema}.events"
        if await connection.fetchval("SELECT to_regclass($1)", table) is not None and (
            await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table})")
        ):
            found.append(schema)
    return found


async def check_ledger(connection: Any) -> None:
    """The chain verifies as it does over HTTP, and debits are credits, sealed or not yet."""
    await connection.execute("SET LOCAL search_path TO settlement")
    proof = await prove(connection)
    if proof.bad is not None:
        raise Unusable(
            f"账本核验未通过 / the ledger does not verify: {proof.bad.entry_id} {proof.bad.fault}"
        )
    unequal = await connection.fetchval(
        """SELECT entry_id FROM entries LEFT JOIN postings USING (entry_id) GROUP BY entry_id
           HAVING coalesce(sum(debit_fen), 0) <> coalesce(sum(credit_fen), 0) OR count(line) < 2
           ORDER BY entry_id LIMIT 1"""
    )
    if unequal is not None:
        raise Unusable(f"分录不平衡 / an entry does not balance: {unequal}")

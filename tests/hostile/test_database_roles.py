"""Least rights, attacked by hand: what whoever speaks for a service to the database must not get done.

Each attacker is a session of its role and nothing more, as if it had logged in under it: neither an
owner's nor a superuser's rights stand behind it. The refusal is PostgreSQL's own.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
import pytest
import pytest_asyncio

from jicai.rooms import SERVICES
from shared.runtime.access import migrate_access
from shared.store.database import BUS_ROLE, role_of
from shared.testing.postgres import fresh_database, prepare

ALL: Final = (*SERVICES, "access", "bus")
_EVENT: Final = """INSERT INTO {0}.events ({1}position, topic, stream, version, source, event_id, type,
    occurred_at, recorded_at, sha256, payload, fact) VALUES ({2}9, 't', 's', 9, 'x', 'x', 'x', now(), now(), '', '', '')"""

SERVER: Final = [
    "COPY (SELECT 'x') TO PROGRAM 'id'",
    "COPY (SELECT 'x') TO '/nowhere/mine'",
    "CREATE TEMP TABLE t (x text); COPY t FROM '/etc/passwd'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_read_binary_file('postgresql.conf')",
    "SELECT pg_ls_dir('/')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT rolpassword FROM pg_authid",
    "CREATE TABLE public.mine ()",
    "CREATE SCHEMA mine",
    "CREATE EXTENSION dblink",
    "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE c AS '/lib/x', 'f'",
    "ALTER DATABASE {database} SET session_replication_role = replica",
    "SET session_replication_role = replica",
    "CREATE ROLE mine SUPERUSER",
    "ALTER ROLE {role} SUPERUSER",
    "GRANT {other} TO {role}",
    "SET ROLE {other}",
    "LOAD '/nowhere/x.so'",
    "SELECT pg_switch_wal()",
    "SELECT pg_reload_conf()",
]
"""Whatever reaches beyond the tables: files, programs, other roles, the server itself."""

LOG: Final = [
    "UPDATE {own}.events SET fact = ''",
    "DELETE FROM {own}.events",
    "TRUNCATE {own}.events",
    "TRUNCATE {own}.streams",
    _EVENT.format("{own}", "xid, ", "'1', "),
    "UPDATE {own}.log_head SET epoch = epoch + 1",
    "INSERT INTO {own}.log_head DEFAULT VALUES",
    "DELETE FROM {own}.log_head",
    "SELECT setval('{own}.event_blocks', 1)",
    "ALTER SEQUENCE {own}.event_blocks RESTART",
    "UPDATE {own}.schema_migrations SET sha256 = ''",
    "DELETE FROM {own}.schema_migrations",
    "INSERT INTO {own}.schema_migrations VALUES ('x', 'x')",
    "DROP TABLE {own}.events",
    "DROP TRIGGER forward_only ON {own}.log_head",
    "ALTER TABLE {own}.log_head DISABLE TRIGGER ALL",
    "ALTER TABLE {own}.events DROP CONSTRAINT events_identity",
    "ALTER TABLE {own}.events OWNER TO {role}",
    "CREATE TRIGGER mine BEFORE INSERT ON {own}.events EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()",
    "CREATE RULE mine AS ON INSERT TO {own}.events DO INSTEAD NOTHING",
    "CREATE TABLE {own}.mine ()",
    "CREATE OR REPLACE FUNCTION {own}.head_moves_forward() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "DROP INDEX {own}.events_order",
]
"""What would rewrite a log, or let it be rewritten."""

OTHERS: Final = [
    "SELECT * FROM {theirs}.events",
    "SELECT * FROM {theirs}.streams",
    "SELECT * FROM {theirs}.log_head",
    "INSERT INTO {theirs}.schema_migrations VALUES ('x', 'x')",
    _EVENT.format("{theirs}", "", ""),
    "UPDATE {theirs}.checkpoints SET cursor = ''",
    "DELETE FROM {theirs}.parked",
    "UPDATE {theirs}.log_head SET world = world + 1",
]

LEDGERS: Final = ("entries", "postings", "closed_months", "sealed", "blocks", "signing_keys")
MONEY: Final = [
    *(
        statement.format(table=table)
        for table in LEDGERS
        for statement in (
            "DELETE FROM settlement.{table}",
            "TRUNCATE settlement.{table}",
            "ALTER TABLE settlement.{table} DISABLE TRIGGER USER",
            "DROP TABLE settlement.{table} CASCADE",
        )
    ),
    "UPDATE settlement.entries SET at = now()",
    "UPDATE settlement.postings SET debit_fen = 1",
    "UPDATE settlement.closed_months SET month = '2020-01'",
    "UPDATE settlement.sealed SET sha256 = ''",
    "UPDATE settlement.blocks SET sha256 = ''",
    "UPDATE settlement.signing_keys SET private_key = ''",
    "DROP TRIGGER entry_balances ON settlement.entries",
    "DROP TRIGGER as_drafted ON settlement.statement_lines",
    "TRUNCATE settlement.statement_lines",
    "TRUNCATE settlement.statements CASCADE",
]

KEYS: Final = [
    "INSERT INTO access.keys VALUES ('mine', '', false, 'ops:360000', 'sm3')",
    "UPDATE access.keys SET revoked_at = NULL",
    "UPDATE access.keys SET actor = 'ops:360000'",
    "DELETE FROM access.keys",
    "SELECT * FROM access.keys FOR UPDATE",
    "DROP TABLE access.nonces",
    "TRUNCATE access.nonces",
    "UPDATE access.schema_migrations SET sha256 = ''",
    "CREATE TABLE access.mine ()",
]

_POSTED: Final = """INSERT INTO settlement.postings VALUES
    ('e', 1, 'fund:360100', 100, 0), ('e', 2, 'payee:x', 0, 100)"""
_ENTRY: Final = "INSERT INTO settlement.entries (entry_id, key, at, division, epoch) VALUES ('e', 'k', {}, '360100', 1); "
TRIGGERED: Final = {
    "a head that goes back": ("JC003", "UPDATE settlement.log_head SET world = world - 1"),
    "a mark that is taken back": ("JC003", "UPDATE settlement.log_head SET last_mark = NULL"),
    "an older mark": ("JC003", "UPDATE settlement.log_head SET last_mark = '2020-01-01Z'"),
    "an entry in a closed month": ("JC002", _ENTRY.format("'2025-12-15Z'") + _POSTED),
    "an entry that does not balance": (
        "JC001", _ENTRY.format("'2026-01-15Z'") + _POSTED.replace("0, 100", "0, 99"),
    ),
    "an entry without sides": ("JC001", _ENTRY.format("'2026-01-15Z'")),
    "an entry under another's transaction": (
        "JC003", _ENTRY.format("'2026-01-15Z'").replace("epoch)", "epoch, xid)").replace(", 1);", ", 1, '3');"),
    ),
    "an entry of another epoch": ("JC003", _ENTRY.format("'2026-01-15Z'").replace(", 1);", ", 7);")),
    "a side to an entry that stands": (
        "JC003", "INSERT INTO settlement.postings VALUES ('stands', 3, 'fund:360100', 1, 0)",
    ),
    "the ledger under another isolation": (
        "JC003", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; " + _ENTRY.format("'2026-01-15Z'") + _POSTED,
    ),
    "an entry reversed without its mirror": (
        "JC001", _ENTRY.format("'2026-01-15Z'").replace("epoch)", "epoch, reverses)").replace(", 1);", ", 1, 'stands');")
        + _POSTED.replace("100", "7"),
    ),
    "a claim let go": ("JC003", "DELETE FROM settlement.statement_lines"),
    "a claim for more": ("JC003", "UPDATE settlement.statement_lines SET amount_fen = amount_fen * 2"),
    "a claim in another statement": ("JC003", "UPDATE settlement.statement_lines SET statement = 8"),
    "a line claimed twice": (
        "23505",
        """INSERT INTO settlement.statement_lines
               (statement, order_id, receipt_id, order_line_id, product_id, quantity, unit_price, amount_fen)
           VALUES (8, 'o', 'r', '1', 'P', 1, 1, 1)""",
    ),
    "a statement that vanishes": ("JC003", "DELETE FROM settlement.statements"),
}  # fmt: skip
"""What the role may write, but not like that: the code that PostgreSQL answers."""


@pytest_asyncio.fixture(scope="module")
async def installation(postgres: str) -> AsyncIterator[str]:
    """All schemas, with one entry, one closed month and one claimed line in the ledger."""
    async with fresh_database(postgres) as dsn:
        await prepare(dsn, *SERVICES.values())
        await migrate_access(dsn)
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute(
                _ENTRY.format("'2025-12-15Z'").replace("'e', 'k'", "'stands', 'first'")
                + _POSTED.replace("'e'", "'stands'")
            )
            await connection.execute(
                """INSERT INTO settlement.closed_months VALUES ('2025-12', now(), 'finance');
                   UPDATE settlement.log_head SET last_mark = '2026-01-01Z', world = 5;
                   INSERT INTO settlement.statements (statement_id, number, hospital_id, payee_id, month, pool,
                       state, drafted_at, began_at, receipts_fen, returns_fen, carried_fen, is_second, is_apart, in_held)
                   VALUES ('s', 7, 'H', 'D', '2025-12', '360100', 'paid', now(), now(), 1, 0, 0, false, false, false);
                   INSERT INTO settlement.statement_lines
                       (statement, order_id, receipt_id, order_line_id, product_id, quantity, unit_price, amount_fen)
                   VALUES (7, 'o', 'r', '1', 'P', 1, 1, 1)"""
            )
        finally:
            await connection.close()
        yield dsn


@asynccontextmanager
async def attacker(dsn: str, service: str) -> AsyncIterator[asyncpg.Connection]:
    """A session of this service's role alone."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"SET SESSION AUTHORIZATION {role(service)}")
        yield connection
    finally:
        connection.terminate()


def role(service: str) -> str:
    return BUS_ROLE if service == "bus" else role_of(service)


async def passed(dsn: str, service: str, statements: list[str]) -> dict[str, str]:
    """The attacks that were not refused for want of rights, each with what became of it."""
    other = "access" if service == "settlement" else "settlement"
    found = {}
    async with attacker(dsn, service) as connection:
        words = {
            "own": service, "role": role(service), "other": role(other), "theirs": other,
            "database": await connection.fetchval("SELECT current_database()"),
        }  # fmt: skip
        for statement in statements:
            attack = statement.format(**words)
            with contextlib.suppress(asyncpg.InsufficientPrivilegeError):
                try:
                    async with connection.transaction():
                        await connection.execute(attack)
                        raise _Undone
                except _Undone:
                    found[attack] = "done"
                except asyncpg.PostgresError as error:
                    if error.sqlstate != "42501":
                        found[attack] = f"{error.sqlstate} {error}"
    return found


class _Undone(Exception):
    """Takes back what should not have been possible."""


@pytest.mark.parametrize("service", ALL)
async def test_no_role_reaches_the_server_its_files_or_another_role(
    installation: str, service: str
) -> None:
    assert await passed(installation, service, SERVER) == {}
    async with attacker(installation, service) as connection:
        with pytest.raises(
            asyncpg.InsufficientPrivilegeError
        ):  # where no transaction may stand around it
            await connection.execute("ALTER SYSTEM SET fsync = off")


@pytest.mark.parametrize("service", SERVICES)
async def test_no_service_rewrites_its_log_nor_who_watches_over_it(
    installation: str, service: str
) -> None:
    assert await passed(installation, service, LOG) == {}


@pytest.mark.parametrize("service", SERVICES)
async def test_no_service_touches_what_is_anothers(installation: str, service: str) -> None:
    others = [name for name in SERVICES if name != service]
    attacks = [text.replace("{theirs}", other) for text in OTHERS for other in others]
    assert await passed(installation, service, attacks) == {}
    assert await passed(installation, service, [*KEYS, "SELECT * FROM access.keys"]) == {}


async def test_the_ledger_is_changed_by_nobody(installation: str) -> None:
    for service in ALL:
        assert await passed(installation, service, MONEY) == {}, service


async def test_whoever_checks_keys_can_make_none_and_the_bus_writes_nothing(
    installation: str,
) -> None:
    assert await passed(installation, "access", KEYS) == {}
    logs = [text.replace("{theirs}", name) for name in SERVICES for text in OTHERS]
    assert await passed(installation, "access", logs) == {}
    may = tuple(
        f"SELECT * FROM {name}.{table}" for name in SERVICES for table in ("events", "log_head")
    )
    assert set(await passed(installation, "bus", logs)) == set(may)
    assert await passed(installation, "bus", [*KEYS, "SELECT * FROM access.keys"]) == {}


@pytest.mark.parametrize("what", TRIGGERED)
async def test_what_may_be_written_is_refused_where_it_would_be_untrue(
    installation: str, what: str
) -> None:
    code, attack = TRIGGERED[what]
    async with attacker(installation, "settlement") as connection:
        with pytest.raises(asyncpg.PostgresError) as told:
            await connection.execute(f"BEGIN; {attack}; COMMIT")
        assert told.value.sqlstate == code, told.value


async def test_the_same_attacks_succeed_for_an_owner(installation: str) -> None:
    """Why a service works under a role of its own: a test that refuses everything would prove nothing."""
    connection = await asyncpg.connect(installation)
    done = 0
    try:
        for statement in [*(text.format(own="orders", role="jicai_orders") for text in LOG), *KEYS]:
            with contextlib.suppress(asyncpg.PostgresError, _Undone):
                async with connection.transaction():
                    await connection.execute(statement)
                    done += 1
                    raise _Undone
    finally:
        connection.terminate()
    assert done > 0.7 * len(LOG + KEYS)

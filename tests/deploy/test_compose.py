"""The deployment as text: pinned, healthy, and speaking of settings and files that exist."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from asyncio import to_thread
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml

from jicai.rooms import SERVICES
from jicai.running import run_migrate
from shared.runtime.settings import Settings
from shared.store.embedded import dsn as dsn_for
from shared.testing.postgres import running_postgres

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = DEPLOY / "docker-compose.yml"
SECRETS = dict.fromkeys(
    ("POSTGRES_PASSWORD", "JICAI_DATABASE_PASSWORD", "JICAI_SECRETS_KEY"), "secret"
)
PORTS = {"orders": 8001, "alerts": 8002, "feedback": 8003, "settlement": 8004}
PINNED = re.compile(r"^[\w./-]+:v?\d+\.\d+[\w.-]*$")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def services(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["services"]
    return found


def lasting(services: dict[str, Any]) -> dict[str, Any]:
    """All but the job that runs once."""
    return {name: one for name, one in services.items() if one.get("restart") != "no"}


def test_compose_itself_takes_the_file_where_it_is_installed(tmp_path: Path) -> None:
    command = _compose()
    if command is None:
        pytest.skip("neither `docker compose` nor `docker-compose` is installed")
    for profile in ([], ["--profile", "monitoring"]):
        done = subprocess.run(
            [*command, "-f", str(COMPOSE), *profile, "config", "--quiet"],
            capture_output=True, text=True, env={**os.environ, **SECRETS}, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    (tmp_path / "empty").touch()
    without = {name: value for name, value in os.environ.items() if name not in SECRETS}
    done = subprocess.run(
        [*command, "-f", str(COMPOSE), "--env-file", str(tmp_path / "empty"), "config", "--quiet"],
        capture_output=True, text=True, env=without, timeout=60,
    )  # fmt: skip
    assert done.returncode != 0, "without its secrets nothing starts"
    assert "deploy/.env" in done.stderr


def _compose() -> list[str] | None:
    docker = shutil.which("docker")
    if (
        docker
        and not subprocess.run([docker, "compose", "version"], capture_output=True).returncode
    ):
        return [docker, "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None


def test_every_image_is_pinned(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert PINNED.match(service["image"]), f"{name}: {service['image']}"
    from_lines = re.findall(
        r"^FROM (\S+)", (DEPLOY / "Dockerfile").read_text("utf-8"), re.MULTILINE
    )
    assert len(from_lines) == 2
    assert all(PINNED.match(image) for image in from_lines), from_lines


def test_the_broker_is_the_one_that_the_tests_start(services: dict[str, Any]) -> None:
    pom = (DEPLOY / "kafka" / "pom.xml").read_text("utf-8")
    version = services["kafka"]["image"].partition(":")[2]
    assert f"<artifactId>kafka_2.13</artifactId>\n      <version>{version}</version>" in pom


def test_whatever_lasts_has_a_health_check_restarts_and_gets_time_to_stop(
    services: dict[str, Any],
) -> None:
    for name, service in lasting(services).items():
        check = service["healthcheck"]
        assert check["test"][0] == "CMD", name
        assert {"interval", "timeout", "retries"} <= set(check), name
        assert service["restart"] == "unless-stopped", name
        assert int(service["stop_grace_period"].rstrip("s")) >= 30, name


def test_the_four_services_wait_for_all_they_need_and_answer_on_their_ports(
    services: dict[str, Any],
) -> None:
    assert set(PORTS) == set(SERVICES)
    for name, port in PORTS.items():
        service = services[name]
        assert service["command"] == ["serve", name]
        assert service["ports"] == [f"127.0.0.1:{port}:{port}"]
        assert service["environment"]["JICAI_PORT"] == port
        assert "/readyz" in service["healthcheck"]["test"][3]
        assert {what: how["condition"] for what, how in service["depends_on"].items()} == {
            "postgres": "service_healthy",
            "kafka": "service_healthy",
            "prepare": "service_completed_successfully",
        }


def test_nothing_is_reachable_from_other_machines(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name}: {port}"


def test_the_job_before_them_makes_schemas_and_topics(services: dict[str, Any]) -> None:
    job = services["prepare"]
    assert job["restart"] == "no"
    assert job["command"] == ["jicai migrate && jicai topics apply"]
    assert job["entrypoint"][-1] == "-ec", "the first failure is the job's"
    assert "prepare" not in job["depends_on"], "it would wait for itself"


def test_every_setting_is_one_that_the_program_reads(services: dict[str, Any]) -> None:
    known = {f"JICAI_{name.upper()}" for name in Settings.model_fields}
    for name in ("prepare", *PORTS):
        environment = services[name]["environment"]
        assert set(environment) <= known, name
        assert environment["JICAI_DATABASE_URL"].endswith("@postgres:5432/jicai")
        assert environment["JICAI_KAFKA_BOOTSTRAP"] == "kafka:9092"
    written = set(re.findall(r"\bJICAI_[A-Z_]+", (DEPLOY / "Dockerfile").read_text("utf-8")))
    assert written <= known


def test_every_secret_is_asked_for_and_none_is_written_down() -> None:
    text = COMPOSE.read_text("utf-8")
    asked = set(re.findall(r"\$\{(\w+):\?", text))
    example = (DEPLOY / ".env.example").read_text("utf-8")
    assert asked == set(SECRETS)
    assert {line.partition("=")[0] for line in example.splitlines() if "=" in line} == asked
    assert re.findall(r"^\w+=(.+)$", example, re.MULTILINE) == [], "the example holds no value"
    assert ".env" in (ROOT / ".gitignore").read_text("utf-8").split()


def test_the_database_is_set_as_the_programs_check_demands(services: dict[str, Any]) -> None:
    flags = services["postgres"]["command"]
    assert "-cmax_locks_per_transaction=256" in flags


def test_every_mounted_and_every_copied_file_is_there(services: dict[str, Any]) -> None:
    for service in services.values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith("."):
                assert any((DEPLOY / source).iterdir()), source
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    dockerfile = (DEPLOY / "Dockerfile").read_text("utf-8")
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    assert {
        "pyproject.toml",
        "README.md",
        "requirements.lock",
        "shared",
        "services",
        "jicai",
    } == names
    for name in names:
        assert (ROOT / name).exists(), name
        assert f"!{name}" in ignored, f"the build would not find {name}"


def test_the_image_runs_as_nobody_special_and_asks_whether_it_lives() -> None:
    last = (DEPLOY / "Dockerfile").read_text("utf-8").rpartition("\nFROM ")[2]
    assert re.search(r"^USER \d+$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert "/livez" in last
    assert 'ENTRYPOINT ["jicai"]' in last


async def test_the_role_of_the_database_can_do_all_that_is_asked_of_it_and_is_no_superuser() -> (
    None
):
    """What `psql` would run when the database is made, then `jicai migrate` as that role."""
    script = (DEPLOY / "postgres" / "10-jicai.sql").read_text("utf-8")
    assert "\\getenv password JICAI_DATABASE_PASSWORD\n" in script
    script = re.sub(r"^(\\getenv|--).*\n", "", script, flags=re.MULTILINE)
    script = script.replace(":'password'", "'secret'")
    with running_postgres() as server:  # of its own: in a used one the services' roles are others'
        # The superuser of the embedded server has the role's name.
        script = re.sub(r"\bjicai\b", "deployed", script)
        owner = await asyncpg.connect(server)
        for statement in filter(None, map(str.strip, script.split(";"))):
            await owner.execute(statement)
        await owner.close()
        url = dsn_for(server, user="deployed", password="secret", database="deployed")
        for _ in range(2):  # an upgrade runs it again
            applied = await to_thread(run_migrate, Settings(database_url=url, _env_file=None))
        assert not any(applied.values())
        await _works_under_the_services_roles(url)


async def _works_under_the_services_roles(url: str) -> None:
    connection = await asyncpg.connect(url)
    assert not await connection.fetchval(
        "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
    )
    for name in SERVICES:
        await connection.execute(f"SET ROLE jicai_{name}")
        await connection.fetchval(f"SELECT count(*) FROM {name}.events")
        await connection.execute("RESET ROLE")
    await connection.close()

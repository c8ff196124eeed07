"""The broker that tests stand on: it serves, outlives its own death, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.testing import broker_jars, broker_process
from shared.testing.broker import Broker, BrokerMissing, running_broker
from shared.testing.broker_talk import answers


@asynccontextmanager
async def topic(bootstrap: str, name: str) -> AsyncIterator[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 1, 1)])
        yield name
        await admin.delete_topics([name])
    finally:
        await admin.close()


async def put(bootstrap: str, name: str, *values: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(name, value, key=b"order-1", partition=0)
    finally:
        await producer.stop()


async def take(bootstrap: str, name: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(name, 0)])
        return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


async def test_it_takes_records_and_gives_them_back(broker: Broker) -> None:
    async with topic(broker.bootstrap, "broker-gives-back") as name:
        await put(broker.bootstrap, name, b"one", b"two")
        assert await take(broker.bootstrap, name, 2) == [b"one", b"two"]


async def test_what_was_acknowledged_outlives_its_sudden_death(broker: Broker) -> None:
    if not broker.can_be_killed:
        pytest.skip("no broker: that of JICAI_KAFKA_BOOTSTRAP is not ours to kill")
    async with topic(broker.bootstrap, "broker-outlives") as name:
        await put(broker.bootstrap, name, b"before")
        broker.kill()
        assert not answers(broker.bootstrap)
        broker.start()
        await put(broker.bootstrap, name, b"after")
        assert await take(broker.bootstrap, name, 2) == [b"before", b"after"]


def test_a_stopped_broker_is_silent_until_it_is_resumed(broker: Broker) -> None:
    if not broker.can_be_killed:
        pytest.skip("no broker: that of JICAI_KAFKA_BOOTSTRAP is not ours to stop")
    broker.stop()
    try:
        assert not answers(broker.bootstrap, seconds=0.5)
    finally:
        broker.resume()
    deadline = time.monotonic() + 60
    while not answers(broker.bootstrap):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_launcher_may_be_killed_and_no_broker_stays(broker: Broker, tmp_path: Path) -> None:
    """Its temporary directory has a space in its name here."""
    if not isinstance(broker, broker_process.ProcessBroker):
        pytest.skip("no broker: only a process of our own can be left behind")
    place = tmp_path / "a place"
    place.mkdir()
    program = (
        "import time\n"
        "from shared.testing.broker_process import ProcessBroker\n"
        "broker = ProcessBroker({})\n"
        "print(broker.pid, broker.bootstrap, flush=True)\n"
        "time.sleep(600)\n"
    )
    launcher = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "TMPDIR": str(place), "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    with launcher:
        assert launcher.stdout is not None
        pid, bootstrap = launcher.stdout.readline().split()
        assert answers(bootstrap)
        assert Path(f"/proc/{pid}").exists()
        launcher.send_signal(signal.SIGKILL)
        launcher.wait(30)
    deadline = time.monotonic() + 30
    while _runs(int(pid)):
        assert time.monotonic() < deadline, "the broker outlived its launcher"
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    """A zombie that nobody has buried yet runs no longer."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text("utf-8")
    except FileNotFoundError:
        return False


def test_a_port_that_another_program_takes_is_given_up(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not isinstance(broker, broker_process.ProcessBroker):
        pytest.skip("no broker: only one of our own chooses its port")
    free_port = broker_process.free_port
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        ports = iter([taken, free_port()])
        monkeypatch.setattr(broker_process, "free_port", lambda: next(ports, None) or free_port())
        second = broker_process.ProcessBroker({})
        try:
            assert second.bootstrap != f"127.0.0.1:{taken}"
            assert answers(second.bootstrap)
        finally:
            second.remove()
    assert not answers(second.bootstrap)


def test_a_cache_that_lost_a_jar_is_filled_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A stand-in for Maven counts how often it is asked."""
    program = tmp_path / "bin" / "mvn"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        'for word in "$@"; do case "$word" in -DoutputDirectory=*) to="${word#*=}";; esac; done\n'
        'mkdir -p "$to" && echo a > "$to/a.jar" && echo b > "$to/b.jar"\n'
        f'echo asked >> "{tmp_path}/asked"\n'
        f'test ! -e "{tmp_path}/broken"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a cache"))

    (tmp_path / "broken").touch()
    with pytest.raises(BrokerMissing, match="Maven could not fetch"):
        broker_jars.broker_jars()
    (tmp_path / "broken").unlink()

    folder = broker_jars.broker_jars()
    assert broker_jars.broker_jars() == folder
    assert (tmp_path / "asked").read_text().count("asked") == 2, "a whole cache is not filled again"
    (folder / "b.jar").unlink()
    assert (broker_jars.broker_jars() / "b.jar").exists()
    assert (tmp_path / "asked").read_text().count("asked") == 3
    left = {each.name for each in folder.parent.iterdir()}
    assert left == {folder.name, f"{folder.name}.lock"}


def test_without_any_way_it_says_in_one_sentence_what_would_help(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    for name in ("JICAI_KAFKA_BOOTSTRAP", "JAVA_HOME"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(BrokerMissing) as missing, running_broker():
        pass
    assert str(missing.value) == (
        "no broker: set JICAI_KAFKA_BOOTSTRAP, or have Docker, or Java 17 and Maven"
    )


@pytest.mark.parametrize(("environment", "code"), [({"CI": ""}, 0), ({"CI": "true"}, 1)])
def test_a_run_without_a_broker_says_so_once_and_fails_only_where_one_is_promised(
    environment: dict[str, str], code: int, tmp_path: Path
) -> None:
    kept = {n: v for n, v in os.environ.items() if n not in ("JICAI_KAFKA_BOOTSTRAP", "JAVA_HOME")}
    away = {"PATH": str(tmp_path), "DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", __file__, "-k", "takes_records"],
        capture_output=True, text=True, timeout=120, cwd=Path(__file__).parents[2],
        env={**kept, **away, **environment},
    )  # fmt: skip
    assert run.returncode == code, run.stdout
    assert (
        "no broker: set JICAI_KAFKA_BOOTSTRAP, or have Docker, or Java 17 and Maven" in run.stdout
    )
    if not code:
        lines = [line for line in run.stdout.splitlines() if line.startswith("buses: ")]
        assert lines == [
            "buses: 0 tests on the log bus, 0 on a broker; 1 not run: no broker: "
            "set JICAI_KAFKA_BOOTSTRAP, or have Docker, or Java 17 and Maven"
        ]


def test_a_given_broker_is_taken_and_never_killed(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JICAI_KAFKA_BOOTSTRAP", broker.bootstrap)
    with running_broker() as given:
        assert given.bootstrap == broker.bootstrap
        with pytest.raises(RuntimeError, match="not ours"):
            given.kill()
    assert answers(broker.bootstrap)

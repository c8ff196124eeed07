"""The sample clients do what they teach: ids before sending, retries signed anew, nothing twice."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.clients.languages import CLIENTS, Language, digests
from tests.clients.serving import Interrupting, Serving
from tests.journeys.goods import HOSPITAL, D, H, line
from tests.journeys.losing import losing

VECTORS: list[dict[str, Any]] = json.loads(
    (CLIENTS / "signing-vectors.json").read_text(encoding="utf-8")
)["vectors"]
ORDERS = 8


def test_a_client_signs_as_the_vectors_say(client: Language, tmp_path: Path) -> None:
    """The string to sign and the signature, byte for byte, in each algorithm it has here."""
    able = digests(client.name)
    assert "sha256" in able
    for case in VECTORS:
        if case["algorithm"] not in able:
            continue
        fields = (case["method"], case["target"], case["timestamp"], case["nonce"])
        code, out, err = client.run(
            "sign",
            *fields,
            given=base64.b64decode(case["body_base64"]),
            JICAI_SECRET=case["secret"],
            JICAI_ALGORITHM=case["algorithm"],
            JICAI_STATE=str(tmp_path),
            LC_ALL="C.UTF-8",
        )
        assert code == 0, err.decode()
        told = out.decode().rstrip("\n")
        assert told == f"{case['string_to_sign']}\n{case['signature']}", case["name"]


def an_order(number: int, language: str) -> bytes:
    """An order as a hospital's system writes it, still without an id."""
    document = {
        "specversion": "1.0",
        "source": f"urn:jicai:{H}:{language}",
        "type": "jicai.order.placed.v1",
        "time": "2026-01-05 09:00:00",
        "data": {
            "order_id": f"{H}-{language}-{number}",
            "hospital_id": H,
            "distributor_id": D,
            "lines": [line(note="急需, 请联系张医生")],
        },
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


class Desk:
    """One client with its folder and its key."""

    def __init__(self, client: Language, serving: Serving, state: Path, algorithm: str) -> None:
        self.client, self.serving, self.state = client, serving, state
        made = serving.key(HOSPITAL, algorithm)
        self.settings = {
            "JICAI_KEY": made["key"],
            "JICAI_SECRET": made["secret"],
            "JICAI_ALGORITHM": algorithm,
            "JICAI_STATE": str(state),
            "JICAI_BATCH": "3",
            "JICAI_PAUSE": "0",
            "LC_ALL": "C.UTF-8",
        }

    def run(self, *arguments: str, given: bytes = b"", **more: str) -> tuple[int, str]:
        settings = {"JICAI_URL": self.serving.url, **self.settings, **more}
        code, out, err = self.client.run(*arguments, given=given, **settings)
        assert code in (0, 75), (out, err)
        return code, out.decode()

    def waiting(self) -> set[str]:
        return {f.name for f in (self.state / "outbox").glob("*.json")}

    def followed(self) -> list[dict[str, Any]]:
        """What `follow --once` prints beyond the last cursor, page by page."""
        code, out = self.run("follow", "--once")
        assert code == 0
        facts: list[dict[str, Any]] = []
        for text in out.splitlines():
            page = json.loads(text)
            facts += page if isinstance(page, list) else page["items"]
        source = f"urn:jicai:{H}:{self.client.name}"
        return [fact for fact in facts if fact["source"] == source]


@pytest.mark.timeout(600)
def test_what_is_killed_in_the_middle_is_resent_and_nothing_comes_twice(
    client: Language, serving: Serving, tmp_path: Path
) -> None:
    """The client dies between the server's commit and its answer; then the server; then the line is bad."""
    desk = Desk(client, serving, tmp_path / "state", digests(client.name)[0])
    ids = [desk.run("enqueue", given=an_order(n, client.name))[1].strip() for n in range(ORDERS)]
    names = desk.waiting()
    assert len(names) == len(set(ids)) == ORDERS

    # Killed when the server has recorded what it will never hear of.
    proxy = Interrupting(serving.url, at=2)
    victim = client.start("send", **{**desk.settings, "JICAI_URL": proxy.url})
    proxy.victim = victim
    victim.communicate(timeout=120)
    proxy.close()
    assert b'"accepted"' in proxy.answered
    assert victim.returncode == -9
    left = desk.waiting()
    assert 0 < len(left) < ORDERS
    assert left < names

    # Nobody answers: it gives up for now, and the outbox stands as it was.
    gone = serving.url
    serving.kill()
    assert desk.run("send", JICAI_URL=gone, JICAI_ATTEMPTS="2")[0] == 75
    assert desk.waiting() == left
    serving.start()

    # A line that loses requests and answers: every retry is signed anew, or it would be refused.
    with losing(serving.url, seed=11) as bad:
        for _ in range(20):
            code, _ = desk.run("send", JICAI_URL=bad.url, JICAI_ATTEMPTS="6")
            if code == 0:
                break
    assert code == 0
    assert desk.waiting() == set()
    assert {f.name for f in (desk.state / "sent").iterdir()} == names

    facts = desk.followed()
    assert sorted(fact["id"] for fact in facts) == sorted(ids)
    assert {fact["data"]["lines"][0]["note"] for fact in facts} == {"急需, 请联系张医生"}

    # The cursor is kept: the next run goes on behind it.
    assert desk.followed() == []
    another = desk.run("enqueue", given=an_order(ORDERS, client.name))[1].strip()
    assert desk.run("send")[0] == 0
    assert [fact["id"] for fact in desk.followed()] == [another]


def test_a_rejected_event_is_put_aside_with_its_reason(
    client: Language, serving: Serving, tmp_path: Path
) -> None:
    desk = Desk(client, serving, tmp_path / "state", "sha256")
    wrong = an_order(99, client.name).replace(D.encode(), b"91360100000000000X")
    desk.run("enqueue", given=wrong)
    settings = {"JICAI_URL": serving.url, **desk.settings}
    code, out, _ = client.run("send", **settings)
    assert code == 1
    assert b'"malformed"' in out or b'"unknown_distributor"' in out
    assert desk.waiting() == set()
    assert len(list((desk.state / "rejected").glob("*.json"))) == 1

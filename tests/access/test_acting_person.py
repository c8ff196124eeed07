"""Acts that a natural person answers for: outside the sandbox their key is bound to a person."""

from __future__ import annotations

from typing import Any

from tests.access.toy_door import installed


async def _pay(client: Any, path: str = "/toy/pay/a") -> tuple[int, Any]:
    told = await client.post(path)
    document = told.json()
    return told.status_code, document.get("code") or document["person"]


async def test_outside_the_sandbox_a_key_without_a_person_may_not_act(database: str) -> None:
    async with installed(database) as door:
        async with door.client(await door.signer("finance:360100")) as client:
            assert await _pay(client) == (422, "person_missing")
        async with door.client(await door.signer("finance:360100/zhang.wei")) as client:
            assert await _pay(client) == (200, "zhang.wei")


async def test_what_is_not_there_or_not_allowed_is_said_first(database: str) -> None:
    async with installed(database) as door:
        async with door.client(await door.signer("finance:360100")) as client:
            assert await _pay(client, "/toy/pay/gone") == (404, "not_found")
        async with door.client(await door.signer("hospital:H36010200001")) as client:
            assert await _pay(client) == (403, "forbidden")


async def test_in_the_sandbox_only_some_acts_ask_for_a_person(database: str) -> None:
    async with installed(database, is_sandbox=True) as door:
        async with door.client(**{"X-Jicai-Actor": "finance:360100"}) as client:
            assert await _pay(client) == (200, None)
            assert await _pay(client, "/toy/pay/a?always=true") == (422, "person_missing")
        async with door.client(**{"X-Jicai-Actor": "finance:360100/li"}) as client:
            assert await _pay(client, "/toy/pay/a?always=true") == (200, "li")

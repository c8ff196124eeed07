"""Schemathesis holds every service to its OpenAPI document, as each kind of caller, in a filled market.

By default the systematic cases of each operation; `make fuzz` adds drawn ones and every caller
(`JICAI_FUZZ_EXAMPLES=50`: so many for each operation).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.testing.sandbox import Sandbox, running_sandbox
from tests.journeys.goods import FAR, IMPORTER, PROVINCE, D, H
from tests.journeys.market import Market
from tests.journeys.strange import TICKET

EXAMPLES = int(os.environ.get("JICAI_FUZZ_EXAMPLES", "0"))
SEED = os.environ.get("JICAI_FUZZ_SEED", "1")
CALLERS = {
    "orders": f"hospital:{H}",
    "alerts": PROVINCE,
    "feedback": f"distributor:{D}",
    "settlement": f"{PROVINCE}/zhang",
}
OTHERS = [
    f"hospital:{H}/li",
    f"distributor:{D}",
    f"{PROVINCE}/zhang",
    IMPORTER,
    "finance:360100/wu",
]
RUNS = list(CALLERS.items()) + [
    (service, caller)
    for service in CALLERS
    for caller in OTHERS
    if EXAMPLES and caller != CALLERS[service]
]

NOT_ASKED = {
    # An id that is well-formed and unknown is rightly 422 `unknown_<kind>`: a schema cannot say who is registered.
    "positive_data_acceptance",
}
"""Checks that cannot apply, each with its reason; all others are on."""

ENDLESS = "/(stream|changes)$"
"""A stream has no end, and a feed waits as long as it is asked to."""


@pytest.fixture(scope="module")
def market() -> Iterator[Market]:
    """Orders on their way, a ticket, an account: ids that a caller may meet."""
    with running_sandbox() as sandbox:
        yield _filled(sandbox)


def _filled(sandbox: Sandbox) -> Market:
    market = Market(sandbox)
    for hospital in (H, FAR):
        tale = market.placed(hospital)
        tale.order_id = f"{hospital}-FUZZ"
        tale.place()
        for step in (tale.answer, tale.dispatch, tale.arrive, tale.receive):
            assert step()["status"] == "accepted"
    made = market[f"hospital:{H}"].post(
        "/feedback/v1/tickets", json={**TICKET, "ticket_id": f"{H}-FUZZ"}
    )
    assert made.status_code == 201, made.text
    sandbox.move("2026-02-03T10:00:00+08:00")
    return market


KNOWN = {
    "order_id": f"{H}-FUZZ", "ticket_id": f"{H}-FUZZ", "hospital_id": H, "payee_id": D, "batch_id": "B",
    "year": 2026, "month": "2026-01", "account": f"payee:{D}", "day": "2026-01-05", "distributor_id": D,
    "addressee": D,
}  # fmt: skip
REGISTERED = {
    "organisations": H,
    "products": "P",
    "batches": "B",
    "agreements": "A",
    "listings": "P",
}


def document(market: Market) -> dict[str, Any]:
    """The market's document, callers named by the header alone, with ids in it that are known."""
    found: dict[str, Any] = market[None].get("/openapi.json").json()
    # A signature cannot be drawn: a request with a wrong one would see nothing but 401.
    del found["components"]["securitySchemes"]["signature"]
    statements = market[PROVINCE].get("/settlement/v1/statements").json()["items"]
    known = KNOWN | ({"statement_id": statements[0]["statement_id"]} if statements else {})
    for path, methods in found["paths"].items():
        for operation in methods.values():
            if "security" in operation:
                operation["security"] = [one for one in operation["security"] if "actor" in one]
            for parameter in operation.get("parameters", ()):
                value = known.get(parameter["name"], REGISTERED.get(path.split("/")[3:4][-1]))
                if parameter["name"] in known or (parameter["name"] == "id" and value):
                    parameter["example"] = str(value) if parameter["name"] != "year" else value
    return found


@pytest.mark.parametrize(("service", "caller"), RUNS)
@pytest.mark.timeout(280 + 600 * bool(EXAMPLES))
def test_each_service_does_as_its_document_says(
    market: Market, tmp_path: Path, service: str, caller: str
) -> None:
    described = tmp_path / "openapi.json"
    described.write_text(json.dumps(document(market)), encoding="utf-8")
    phases = "examples,coverage,fuzzing,stateful" if EXAMPLES else "examples,coverage"
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "schemathesis"), "run", str(described),
            "--url", market.sandbox.url, "--header", f"X-Jicai-Actor: {caller}",
            "--include-path-regex", f"^/{service}/", "--exclude-path-regex", ENDLESS,
            "--checks", "all", "--exclude-checks", ",".join(sorted(NOT_ASKED)),
            "--phases", phases, "--max-examples", str(max(1, EXAMPLES)), "--seed", SEED,
            "--continue-on-failure", "--no-shrink", "--generation-database", "none",
            "--no-color", "--request-timeout", "60",
        ],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
    summary = done.stdout.partition("= SUMMARY")[2]
    tested = int(summary.partition("Tested:")[2].split()[0])
    assert tested >= {"orders": 23, "alerts": 16, "feedback": 14, "settlement": 49}[service], (
        summary
    )
    with market.sandbox.client() as client:
        assert client.get("/livez").status_code == 200


def test_every_operation_says_how_it_fails_and_who_may_call(market: Market) -> None:
    paths = market[None].get("/openapi.json").json()["paths"]
    for path, methods in paths.items():
        for method, operation in methods.items():
            failures = {int(s): r for s, r in operation["responses"].items() if int(s) >= 400}
            assert failures or path in ("/livez", "/version"), (method, path)
            for answer in failures.values():
                assert set(answer["content"]) == {"application/problem+json"}, (method, path)
            if path.count("/") > 1 and not path.startswith("/sandbox/"):
                assert {401, 403, 404, 422, 429, 503} <= set(failures), (method, path)
                assert {"signature": []} in operation["security"], (method, path)
            assert "$defs" not in json.dumps(operation), (method, path)


def test_a_path_names_all_of_its_methods_when_one_is_wrong(market: Market) -> None:
    told = market[PROVINCE].delete("/orders/v1/products/P")
    assert (told.status_code, told.headers["allow"]) == (405, "GET, PUT")
    assert told.json()["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "day", ["0", "1767574800", "20260105", "2026-W02-1", "2026-01-05T00:00:00"]
)
def test_a_day_is_written_as_a_day(market: Market, day: str) -> None:
    """Schemathesis found that `day=0` was taken for the first of January 1970."""
    told = market[PROVINCE].get("/orders/v1/reconciliation", params={"day": day})
    assert (told.status_code, told.json()["code"]) == (422, "malformed")

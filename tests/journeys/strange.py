"""Strange requests, made by Hypothesis from what /openapi.json lists: paths, queries, bodies."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from tests.journeys.goods import D2, FAR, PUTS, D, H, M

ACTORS = [
    "ops:360000", "importer:360000", "bureau:360000", "bureau:360102", "regulator:360000",
    "finance:360100", "finance:360000/wu", "bureau:999999", f"hospital:{H}", f"hospital:{FAR}", f"distributor:{D}",
    f"distributor:{D2}", f"manufacturer:{M}", f"hospital:{H}/li.si",
]  # fmt: skip
NO_ACTORS = ["", "x", "hospital:", "ops:1", f"hospital:{H}/", "bureau:36\x80", "é:1"]

TICKET = {
    "ticket_id": f"{H}-STRANGE", "hospital_id": H, "product_id": "P", "addressees": [D],
    "category": "other", "description": "说明", "order_ids": [f"{H}-1"],
}  # fmt: skip
RETENTION_INPUTS = {
    "assessment": "0.40", "grade": "B", "accuracy": "1", "fund_ratio": "0.60",
    "insured_share": "0.80",
    "varieties": [
        {
            "generic_name": "通用名", "reported_quantity": "100000", "agreed_quantity": "70000",
            "selected_quantity": "90000", "pre_price": "2.00", "selected_price": "0.50",
            "non_selected": [{"quantity": "10000", "price": "1.80"}],
        },
    ],
}  # fmt: skip
WORDS = {
    "/tickets": TICKET,
    "/reply": {"promised_at": "2026-01-06T09:00:00+08:00"},
    "/supervise": {"measure": "约谈", "note": "说明"},
    "/close": {"reason": "说明"},
    "/{year}/{hospital_id}": RETENTION_INPUTS,
    ":calculate": {"batch_id": "B", "year": 2026, "hospital_id": H, "preview": True},
    "/hospital-payments": {
        "payment_id": f"{H}-STRANGE",
        "hospital_id": H,
        "payee_id": D,
        "amount_fen": 1,
        "paid_on": "2026-01-05",
        "bank_reference": "ICBC1",
    },
    "/dispute": {"line_ids": ["1"], "reason": "数量不符"},
    "/resolve": {"outcome": "settle"},
    ":confirm": {"statement_ids": ["2026-01-X"]},
    ":approve": {"statement_ids": ["2026-01-X"]},
    ":pay": {"statement_ids": ["2026-01-X"]},
    "/bank-results": {
        "payment_id": "NONE",
        "result": "paid",
        "bank_reference": "ICBC1",
        "value_date": "2026-01-05",
        "reason": "说明",
    },
    "/suspensions": {
        "suspension_id": "STRANGE",
        "payee_id": D,
        "scope": "batch:B",
        "from": "2026-01-05",
        "decision": "说明",
    },
    "/lift": {"decision": "说明"},
    "/payee-accounts/{payee_id}": {
        "account_name": "某某医药",
        "account_number": "6222021502012345678",
        "bank_name": "工商银行",
        "bank_code": "102421000013",
        "assignee": {"name": "某某保理", "contract": "BL-1"},
    },
    "/block": {"reason": "说明"},
    "/payment-files": {"file_id": "F", "pool": "360100"},
    "/results": {"results": [{"payment_id": "x", "result": "paid", "value_date": "2026-02-10"}]},
    "/calendar/{year}": {"days": [{"date": "2026-01-01", "kind": "holiday", "name": "元旦"}]},
}
"""Good bodies of feedback and settlement, by how their paths end."""

ODD = [
    "", " ", "\0", "a\0b", "'", '"', "%", "%00", "\\", "..", "../..", ".", "/", "//", "?", "#",
    ";", "null", "true", "-1", "0", "1e400", "9" * 40, "2026-13-45", "0000-00-00", "9999-12-31",
    "10000-01-01", "2026-01-05", "2026-01", "2026Q1", "2026Q9", "2026", "30d", "90d", "0d", "-1d",
    "2026-01-05T09:00:00+08:00", "é", "中选", "\ud7ff\ue000", "\U0001f48a", "\u202e", "x" * 5000,
    "A" * 64, "A" * 65, "{}", "[]", "1;drop table events", "$1", "٣", "\r\nX: y", "+08:00",
    H, D, M, "P", "B", "A", f"{H}-1", "total", "awaiting_answer", "distributor", "csv", "json",
]  # fmt: skip


def cursor(value: Any) -> str:
    """What looks like a cursor of ours."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


numbers = st.sampled_from([0, 1, -1, 2**31, 2**63 - 1, 2**63, 2**64, 10**30, -(2**70)])
scalars = st.one_of(
    st.none(), st.booleans(), numbers, st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(ODD), st.text(max_size=20),
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
cursors = st.lists(st.one_of(numbers, st.sampled_from(ODD)), max_size=4).map(cursor)
texts = st.one_of(st.sampled_from(ODD), st.text(max_size=30), cursors)
actors = st.one_of(*[st.sampled_from(ACTORS)] * 9, st.sampled_from(NO_ACTORS), st.none())


@st.composite
def mutated(draw: st.DrawFn, document: Any) -> Any:
    """A good document in which something was replaced, taken away or added."""
    if isinstance(document, dict) and document and draw(st.integers(0, 3)):
        name = draw(st.sampled_from(sorted(document)))
        changed = dict(document)
        if draw(st.integers(0, 5)) == 0:
            del changed[name]
        else:
            changed[name] = draw(mutated(document[name]))
        return changed
    if isinstance(document, list) and document and draw(st.integers(0, 3)):
        place = draw(st.integers(0, len(document) - 1))
        return [*document[:place], draw(mutated(document[place])), *document[place + 1 :]]
    return draw(values)


def bodies(path: str, events: list[Any]) -> st.SearchStrategy[bytes]:
    """Bodies for a path: spoilt good ones, any JSON, any bytes."""
    good: list[Any] = [body for name, body in PUTS if name.split("/")[0] in path]
    if path.endswith("/events"):
        good = events
    if path.endswith("/clock"):
        good = [{"now": "2026-01-05T09:00:00"}]
    good += [body for end, body in WORDS.items() if path.endswith(end)]
    spoilt = st.one_of([mutated(document) for document in good] or [values])
    as_json = st.one_of(spoilt, spoilt, values).map(lambda x: json.dumps(x).encode())
    return st.one_of(as_json, as_json, as_json, st.binary(max_size=60))


@st.composite
def requests(draw: st.DrawFn, operations: list[Any], events: list[Any]) -> dict[str, Any]:
    """One request at one of the operations `(method, path, names of its query parameters)`."""
    method, path, names = draw(st.sampled_from(operations))
    url = path
    while "{" in url:
        head, _, rest = url.partition("{")
        name, _, rest = rest.partition("}")
        # Half of the acts reach a ticket: of one that is not there nothing else is looked at.
        known = st.just(TICKET["ticket_id"]) if name == "ticket_id" else texts
        url = head + quote(draw(st.one_of(known, texts)), safe="") + rest
    query = {name: draw(texts) for name in names if draw(st.booleans())}
    if draw(st.integers(0, 9)) == 0:
        query[draw(st.text(max_size=8))] = draw(texts)
    if "wait" in query and draw(st.integers(0, 3)):
        query["wait"] = "0.01"
    headers = {}
    actor = draw(actors)
    if actor is not None:
        headers["X-Jicai-Actor"] = actor.encode()
    language = draw(st.sampled_from(["", "en", "zh", "\xff", "en;q=" + "9" * 400, ",;=,"]))
    if language:
        headers["Accept-Language"] = language.encode("latin-1")
    content = None
    if method in ("PUT", "POST", "PATCH"):
        content = draw(bodies(path, events))
        kinds = ["application/json"] * 5 + ["application/cloudevents+json", "text/plain", "é/;"]
        headers["Content-Type"] = draw(st.sampled_from(kinds)).encode()
        if draw(st.integers(0, 19)) == 0:
            headers["Content-Encoding"] = b"gzip"
    for name in ("x-ca-key", "x-ca-timestamp", "x-ca-nonce", "x-ca-signature", "Idempotency-Key"):
        if draw(st.integers(0, 9)) == 0:
            odd = ["", "0", "1767574800", "9" * 10, "x" * 300, "k-1", "é", "';--", "a b"]
            headers[name] = draw(st.sampled_from(odd)).encode()
    return {"method": method, "url": url, "params": query, "headers": headers, "content": content}

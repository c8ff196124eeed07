"""The table of section 2 as rows: each endpoint, asked for one thing, by each actor: who gets which status.

The thing is always H's: an order with D of M's product, its ticket, its alert, its list. Whoever is
named under no status gets the row's last word, `rest`. A new endpoint without a row fails the test.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.journeys.goods import D2, FAR, H2, M2, PUTS, D, H, M

ACTORS: dict[str, str | None] = {
    "hospital": f"hospital:{H}",
    "neighbour": f"hospital:{H2}",
    "far": f"hospital:{FAR}",
    "distributor": f"distributor:{D}",
    "rival": f"distributor:{D2}",
    "maker": f"manufacturer:{M}",
    "other_maker": f"manufacturer:{M2}",
    "county": "bureau:360102",
    "city": "bureau:360100",
    "elsewhere": "bureau:360735",
    "province": "bureau:360000",
    "regulator": "regulator:360000",
    "finance": "finance:360100",
    "importer": "importer:360000",
    "ops": "ops:360000",
    "nobody": None,
}
HOSPITALS = "hospital neighbour far"
OVERSEERS = "province regulator finance importer ops"
IN_AREA = f"county city {OVERSEERS}"
UNINVOLVED = "regulator finance importer ops"
PARTIES = f"{HOSPITALS} distributor rival maker other_maker county city elsewhere province"
"""Those for whom a ticket may wait."""
ALL = f"{HOSPITALS} distributor rival maker other_maker county city elsewhere {OVERSEERS}"
WATCHED = f"distributor rival maker other_maker county city elsewhere {OVERSEERS}"
"""Those whom alerts, figures and publications are about or for: no hospital."""
REGISTER = dict(PUTS)
SHEET = "机构编号,机构类型,机构名称,行政区划\nH36010200001,医院,测试机构,360102\n"

RETENTION_INPUTS = f"/settlement/v1/retention-inputs/B/2026/{H}"
INPUTS = {
    "assessment": "0.40", "accuracy": "1", "fund_ratio": "0.60", "insured_share": "0.80",
    "varieties": [{"generic_name": "通用名", "pre_price": "20"}],
}  # fmt: skip

SUSPENSION = {
    "suspension_id": "SUSPENSION-1",
    "payee_id": D2,
    "scope": "all",
    "from": "2026-01-09",
    "decision": "决定",
}

HOSPITAL_PAYMENT = {
    "payment_id": f"{H}-PAYMENT", "hospital_id": H, "payee_id": D, "amount_fen": 1,
    "paid_on": "2026-01-05", "bank_reference": "ICBC1",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One endpoint, asked for one thing."""

    method: str
    path: str
    at: str
    gets: dict[int, str]
    rest: int
    json: Any = None
    text: str | None = None
    query: dict[str, str] = field(default_factory=dict)

    def expected(self, name: str) -> int:
        """The status that this actor gets; nobody is always 401, unless it is anybody's to ask."""
        for status, names in self.gets.items():
            if name in names.split():
                return status
        return 401 if name == "nobody" else self.rest


def get(path: str, at: str, ok: str, rest: int, **more: Any) -> Row:
    """A GET: 200 for those named."""
    return Row("GET", path, at, {200: ok}, rest, **more)


def post(path: str, at: str, gets: dict[int, str], rest: int, **more: Any) -> Row:
    return Row("POST", path, at, gets, rest, **more)


def act(what: str, gets: dict[int, str], **more: Any) -> Row:
    """An act on H's closed ticket."""
    path = f"/feedback/v1/tickets/{{ticket_id}}/{what}"
    return post(path, f"/feedback/v1/tickets/{H}-T0/{what}", gets, 404, **more)


def register(kind: str, id_: str) -> list[Row]:
    """Written by province and importer, read by everybody."""
    path, thing = f"/orders/v1/{kind}/{{id}}", f"{kind}/{id_}"
    at = f"/orders/v1/{thing}"
    body = REGISTER.get(thing, DEMAND)
    return [
        Row("PUT", path, at, {200: "province importer"}, 403, json=body),
        get(path, at, ALL, 404),
        get(f"/orders/v1/{kind}", f"/orders/v1/{kind}", ALL, 404),
    ]


DEMAND = {
    "hospital_id": H, "batch_id": "B", "generic_name": "通用名", "reported_quantity": "10000",
    "last_year_quantity": "9000", "signed_off_by": "王主任",
}  # fmt: skip
SCORECARD = {
    "subject": "distributor", "id": D, "division": "360102", "window": "2026-01",
    "as_of": "2026-01-07",
}  # fmt: skip
TOTAL = {name: SCORECARD[name] for name in ("division", "window", "as_of")}
# A division outside one's area is 403, what is not about oneself 404, and hospitals see none at all.
FIGURES = {403: f"{HOSPITALS} elsewhere", 404: "rival maker other_maker"}
TICKET = {
    "hospital_id": H, "product_id": "P", "addressees": [D], "category": "other",
    "description": "说明",
}  # fmt: skip
ANYBODY = f"{ALL} nobody"

ROWS = [
    # facts: what is not one's own is `not_yours`, never 403
    post("/orders/v1/events", "/orders/v1/events", {200: ALL}, 403, json=[]),
    post(
        "/orders/v1/import", "/orders/v1/import", {200: "province importer"}, 403, text=SHEET,
        query={"dry_run": "true", "kind": "organisations"},
    ),
    # orders
    get(
        "/orders/v1/orders/{order_id}", "/orders/v1/orders/{order}",
        f"hospital distributor maker {IN_AREA}", 404,
    ),
    get("/orders/v1/orders", "/orders/v1/orders", ALL, 404),
    get("/orders/v1/reconciliation", "/orders/v1/reconciliation", ALL, 404, query={"day": "2026-01-05"}),
    *register("organisations", H),
    *register("products", "P"),
    *register("batches", "B"),
    *register("agreements", "A"),
    *register("listings", "P"),
    *register("demand-reports", "R"),
    # scorecards and evidence
    Row("GET", "/alerts/v1/scorecards", "/alerts/v1/scorecards", FIGURES, 200, query=SCORECARD),
    Row(
        "GET", "/alerts/v1/scorecards/total", "/alerts/v1/scorecards/total",
        FIGURES | {404: "distributor rival maker other_maker"}, 200, query=TOTAL,
    ),
    Row(
        "GET", "/alerts/v1/evidence", "/alerts/v1/evidence", FIGURES, 200,
        query={**SCORECARD, "rate": "response"},
    ),
    # alerts, lists, publications
    get("/alerts/v1/alerts", "/alerts/v1/alerts", WATCHED, 403),
    get("/alerts/v1/alerts/{alert_id}", "/alerts/v1/alerts/{alert}", f"distributor {IN_AREA}", 404),
    post(
        "/alerts/v1/alerts/{alert_id}/acknowledge", "/alerts/v1/alerts/{alert}/acknowledge",
        {200: "county city province", 403: "distributor regulator finance importer ops"}, 404,
    ),
    get(
        "/alerts/v1/alerts/{alert_id}/tickets", "/alerts/v1/alerts/{alert}/tickets",
        f"distributor {IN_AREA}", 404,
    ),
    get("/alerts/v1/small-samples", "/alerts/v1/small-samples", WATCHED, 403),
    get("/alerts/v1/late-response-lists", "/alerts/v1/late-response-lists", ALL, 404),
    get(
        "/alerts/v1/late-response-lists/{list_id}", "/alerts/v1/late-response-lists/{list}",
        f"hospital distributor {IN_AREA}", 404,
    ),
    post(
        "/alerts/v1/late-response-lists/{list_id}/receipt",
        "/alerts/v1/late-response-lists/{list}/receipt",
        {200: "distributor", 403: f"hospital {IN_AREA}"}, 404,
    ),
    post(
        "/alerts/v1/publications", "/alerts/v1/publications", {201: "province"}, 403,
        json={"window": "2026-01", "as_of": "2026-01-07"},
    ),
    get("/alerts/v1/publications", "/alerts/v1/publications", WATCHED, 403),
    get("/alerts/v1/publications/{publication_id}", "/alerts/v1/publications/{publication}", WATCHED, 403),
    get(
        "/alerts/v1/publications/{publication_id}/restatements",
        "/alerts/v1/publications/{publication}/restatements", WATCHED, 403,
    ),
    get("/alerts/v1/closes", "/alerts/v1/closes", f"{IN_AREA} elsewhere", 403),
    get("/alerts/v1/stream", "/alerts/v1/stream", ALL, 404),
    # tickets
    post(
        "/feedback/v1/tickets", "/feedback/v1/tickets", {201: "hospital"}, 403,
        json={**TICKET, "ticket_id": f"{H}-T2"},
    ),
    get("/feedback/v1/tickets", "/feedback/v1/tickets", ALL, 404),
    get(
        "/feedback/v1/tickets/{ticket_id}", f"/feedback/v1/tickets/{H}-T1",
        f"hospital distributor {IN_AREA}", 404,
    ),
    get(
        "/feedback/v1/tickets/{ticket_id}/deadlines", f"/feedback/v1/tickets/{H}-T1/deadlines",
        f"hospital distributor {IN_AREA}", 404,
    ),
    # acts: who sees the ticket and may not do it gets 403, before what is wrong with the words;
    # who may gets 422 for an empty body where one is needed, and 409 for a ticket that is closed
    act("reply", {422: "distributor", 403: f"hospital {IN_AREA}"}),
    act("solved", {409: "distributor", 403: f"hospital {IN_AREA}"}),
    act("confirm", {409: "hospital", 403: f"distributor {IN_AREA}"}),
    act("reopen", {409: "hospital", 403: f"distributor {IN_AREA}"}),
    act("supervise", {422: "county province", 403: f"hospital distributor city {UNINVOLVED}"}),
    act("close", {422: "county province", 403: f"hospital distributor city {UNINVOLVED}"}),
    act(
        "reply", {409: "distributor", 403: f"hospital {IN_AREA}"},
        json={"promised_at": "2026-01-09T10:00:00+08:00"},
    ),
    act(
        "supervise", {409: "county province", 403: f"hospital distributor city {UNINVOLVED}"},
        json={"measure": "约谈", "note": "说明"},
    ),
    act(
        "close", {409: "county province", 403: f"hospital distributor city {UNINVOLVED}"},
        json={"reason": "说明"},
    ),
    get("/feedback/v1/waiting", "/feedback/v1/waiting", PARTIES, 403),
    get("/feedback/v1/audit", "/feedback/v1/audit", "province regulator ops", 403),
    get("/feedback/v1/calendar/{year}", "/feedback/v1/calendar/2026", ALL, 404),
    Row("PUT", "/feedback/v1/calendar/{year}", "/feedback/v1/calendar/2029", {200: "province"}, 403, json={"days": []}),
    # settlement: manufacturers have no part in it
    get(
        "/settlement/v1/accruals", "/settlement/v1/accruals",
        f"{HOSPITALS} distributor rival county city elsewhere {OVERSEERS}", 403,
    ),
    get(
        "/settlement/v1/unmatched", "/settlement/v1/unmatched",
        f"{HOSPITALS} distributor rival county city elsewhere {OVERSEERS}", 403,
    ),
    # retained surplus: the pool's bureau and the province state and calculate it, enterprises have no part
    Row(
        "PUT", "/settlement/v1/retention-inputs/{batch_id}/{year}/{hospital_id}", RETENTION_INPUTS,
        {200: "city province", 403: f"hospital county {UNINVOLVED}"}, 404, json=INPUTS,
    ),
    get(
        "/settlement/v1/retention-inputs/{batch_id}/{year}/{hospital_id}", RETENTION_INPUTS,
        f"hospital {IN_AREA}", 404,
    ),
    post(
        "/settlement/v1/retentions:calculate", "/settlement/v1/retentions:calculate",
        {200: "city province", 404: "elsewhere"}, 403,
        json={"batch_id": "B", "year": 2026, "hospital_id": H, "preview": True},
    ),
    get(
        "/settlement/v1/retentions", "/settlement/v1/retentions",
        f"{HOSPITALS} county city elsewhere {OVERSEERS}", 403,
    ),
    # the ledger: hospitals and manufacturers see nothing of it, enterprises their own accounts
    get(
        "/settlement/v1/accounts/{account}", f"/settlement/v1/accounts/hospital:{H}:prepaid", IN_AREA,
        404,
    ),
    get("/settlement/v1/accounts/{account}", "/settlement/v1/accounts/fund:360100:bank", f"city {OVERSEERS}", 404),
    get(
        "/settlement/v1/accounts/{account}", f"/settlement/v1/accounts/enterprise:{D}:payable",
        f"distributor elsewhere {IN_AREA}", 404,
    ),
    *(
        get(f"/settlement/v1/{what}", f"/settlement/v1/{what}", f"elsewhere {IN_AREA}", 404)
        for what in ("entries", "verify", "roots", "blocks")
    ),
    post(
        "/settlement/v1/offsets", "/settlement/v1/offsets", {201: "finance"}, 403,
        json={"offset_id": "OFFSET-2", "hospital_id": H, "amount_fen": 1},
    ),
    post(
        "/settlement/v1/offsets", "/settlement/v1/offsets", {404: "finance"}, 403,
        json={"offset_id": "OFFSET-3", "hospital_id": FAR, "amount_fen": 1},
    ),
    post(
        "/settlement/v1/prepayments", "/settlement/v1/prepayments", {201: "finance"}, 403,
        json={"prepayment_id": "PREPAYMENT-1", "hospital_id": H, "batch_id": "B", "amount_fen": 10**12},
    ),
    post(
        "/settlement/v1/entries/{entry_id}/reverse", "/settlement/v1/entries/{entry}/reverse",
        {422: "finance", 403: "county city province regulator importer ops"}, 404, json={},
    ),
    # statements: their parties, and who looks after the hospital; each step is one side's
    get(
        "/settlement/v1/statements", "/settlement/v1/statements",
        f"{HOSPITALS} distributor rival county city elsewhere {OVERSEERS}", 403,
    ),
    get(
        "/settlement/v1/statements/{statement_id}", "/settlement/v1/statements/{statement}",
        f"hospital distributor {IN_AREA}", 404,
    ),
    post(
        "/settlement/v1/statements/{statement_id}/dispute", "/settlement/v1/statements/{statement}/dispute",
        {422: "hospital distributor", 403: IN_AREA}, 404, json={},
    ),
    post(
        "/settlement/v1/statements/{statement_id}/confirm", "/settlement/v1/statements/{statement}/confirm",
        {200: "hospital distributor", 403: IN_AREA}, 404,
    ),
    get(
        "/settlement/v1/drafts", "/settlement/v1/drafts",
        f"{HOSPITALS} distributor rival county city elsewhere {OVERSEERS}", 403,
    ),
    # who acts for the pool must be a person
    post(
        "/settlement/v1/statements/{statement_id}/approve", "/settlement/v1/statements/{statement}/approve",
        {422: "city province", 403: f"hospital distributor county {UNINVOLVED}"}, 404,
    ),
    post(
        "/settlement/v1/statements/{statement_id}/pay", "/settlement/v1/statements/{statement}/pay",
        {422: "finance", 403: "hospital distributor county city province regulator importer ops"}, 404,
    ),
    *(
        post(
            f"/settlement/v1/statements:{step}", f"/settlement/v1/statements:{step}",
            {403: "maker other_maker"}, 422, json={"statement_ids": []},
        )
        for step in ("confirm", "approve", "pay")
    ),
    post(
        "/settlement/v1/bank-results", "/settlement/v1/bank-results", {422: "finance"}, 403,
        json={"payment_id": "NONE", "result": "paid"},
    ),
    get(
        "/settlement/v1/disputes", "/settlement/v1/disputes",
        f"{HOSPITALS} distributor rival county city elsewhere {OVERSEERS}", 403,
    ),
    post(
        "/settlement/v1/disputes/{dispute_id}/resolve", "/settlement/v1/disputes/{dispute}/resolve",
        {200: "city province", 403: f"hospital distributor county {UNINVOLVED}"}, 404,
        json={"outcome": "withdraw"},
    ),
    # the province alone suspends and lifts; hospitals have no part
    post(
        "/settlement/v1/suspensions", "/settlement/v1/suspensions", {201: "province"}, 403,
        json=SUSPENSION,
    ),
    get(
        "/settlement/v1/suspensions", "/settlement/v1/suspensions",
        f"distributor rival county city elsewhere {OVERSEERS}", 403,
    ),
    post(
        "/settlement/v1/suspensions/{suspension_id}/lift", "/settlement/v1/suspensions/NONE/lift",
        {404: "province"}, 403, json={"decision": "决定"},
    ),
    # finance of the province alone closes, and nobody a month that still runs
    post("/settlement/v1/months/{month}/close", "/settlement/v1/months/2026-01/close", {}, 403),
    # where hospitals pay by themselves: both parties, and who looks after the hospital; here the fund pays
    post(
        "/settlement/v1/hospital-payments", "/settlement/v1/hospital-payments",
        {409: "hospital finance", 404: "neighbour far"}, 403, json=HOSPITAL_PAYMENT,
    ),
    get(
        "/settlement/v1/hospital-payments", "/settlement/v1/hospital-payments",
        f"{HOSPITALS} distributor rival county city elsewhere {OVERSEERS}", 403,
    ),
    Row(
        "GET", "/settlement/v1/hospital-payments/{payment_id}", f"/settlement/v1/hospital-payments/{H}-PAYMENT",
        {403: "maker other_maker"}, 404,
    ),
    *(
        post(
            f"/settlement/v1/hospital-payments/{{payment_id}}/{act}",
            f"/settlement/v1/hospital-payments/{H}-PAYMENT/{act}", {403: "maker other_maker"}, 404,
            json={"reason": "说明"},
        )
        for act in ("acknowledge", "contest", "withdraw")
    ),
    get(
        "/settlement/v1/arrears", "/settlement/v1/arrears",
        f"{HOSPITALS} distributor rival county city elsewhere {OVERSEERS}", 403,
    ),
    Row(
        "GET", "/settlement/v1/arrears/{hospital_id}/lines", f"/settlement/v1/arrears/{H}/lines",
        {200: f"hospital distributor rival {IN_AREA}", 403: "maker other_maker"}, 404,
    ),
    # where money goes: the payee's own, and who looks after the province; the province's finance keeps it
    Row(
        "PUT", "/settlement/v1/payee-accounts/{payee_id}", f"/settlement/v1/payee-accounts/{D}", {}, 403,
        json={},
    ),
    get(
        "/settlement/v1/payee-accounts", "/settlement/v1/payee-accounts",
        f"distributor rival {OVERSEERS}", 403,
    ),
    Row(
        "GET", "/settlement/v1/payee-accounts/{payee_id}", f"/settlement/v1/payee-accounts/{D}",
        {404: f"distributor rival {OVERSEERS}"}, 403,
    ),
    *(
        post(
            f"/settlement/v1/payee-accounts/{{payee_id}}/{act}", f"/settlement/v1/payee-accounts/{D}/{act}",
            {}, 403, json={"reason": "说明"},
        )
        for act in ("block", "unblock")
    ),
    get(
        "/settlement/v1/payments", "/settlement/v1/payments",
        f"distributor rival county city elsewhere {OVERSEERS}", 403,
    ),
    # files for the bank: bureaus and finance; who asks for one must be a person
    post("/settlement/v1/payment-files", "/settlement/v1/payment-files", {422: "finance"}, 403, json={"file_id": "F"}),
    get("/settlement/v1/payment-files", "/settlement/v1/payment-files", f"elsewhere {IN_AREA}", 403),
    Row(
        "GET", "/settlement/v1/payment-files/{file_id}", "/settlement/v1/payment-files/NONE",
        {404: f"elsewhere {IN_AREA}"}, 403,
    ),
    post(
        "/settlement/v1/payment-files/{file_id}/results", "/settlement/v1/payment-files/NONE/results",
        {404: f"elsewhere {IN_AREA}"}, 403, json=[],
    ),
    # feeds: everybody's, each with what it may see
    *(
        get(f"/{service}/v1/changes", f"/{service}/v1/changes", ALL, 404)
        for service in ("orders", "alerts", "feedback", "settlement")
    ),
    # what asks for no actor
    *(get(path, path, ANYBODY, 404) for path in ("/livez", "/readyz", "/version", "/sandbox/v1/clock")),
    post("/sandbox/v1/clock", "/sandbox/v1/clock", {422: ANYBODY}, 404, json={"now": "soon"}),
    post("/sandbox/v1/settle", "/sandbox/v1/settle", {200: ANYBODY}, 404),
    post("/sandbox/v1/keys", "/sandbox/v1/keys", {422: ANYBODY}, 404, json={"actor": "nobody"}),
]  # fmt: skip

"""Clerks at their desks (经办人): they ask what waits for them, and do it many at once.

Nobody knows a statement before it is drafted, so what they do is not written in the story.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from jicai.client import Jicai, Problem
from jicai.province.companies import distributors
from jicai.province.places import PROVINCE, hospitals

Json = dict[str, Any]
BASE = "/settlement/v1"
DESKS = 4
MOST = 1_000
"""As many statements as one request may name."""
DONE = "done"


def pools() -> list[str]:
    """The pools (统筹区) in which somebody pays: each city, and the province for its own hospitals."""
    return sorted({PROVINCE, *(hospital.city for hospital in hospitals())})


def hospitals_confirm(client: Jicai, month: str, silent: frozenset[str]) -> Counter[str]:
    """Every hospital confirms what was drafted for it (医疗机构确认), but for the silent ones."""
    actors = [one.actor for one in hospitals() if one.id not in silent]
    return _at_desks(client, actors, month, "draft", "confirm")


def payees_confirm(client: Jicai, month: str) -> Counter[str]:
    """Every distributor confirms behind its hospitals (企业确认)."""
    actors = [one.actor for one in distributors()]
    return _at_desks(client, actors, month, "hospital_confirmed", "confirm")


def bureaus_approve(client: Jicai, month: str) -> Counter[str]:
    """The bureau of each pool approves (医保审核)."""
    actors = [f"bureau:{pool}/auditor-1" for pool in pools()]
    return _at_desks(client, actors, month, "confirmed", "approve")


def finance_pays(client: Jicai, month: str) -> Counter[str]:
    """Finance of each pool orders the payments (财务支付); what is suspended is refused."""
    actors = [f"finance:{pool}/cashier-1" for pool in pools()]
    return _at_desks(client, actors, month, "approved", "pay")


def bank_reports(client: Jicai, month: str, day: str, bounces: str | None = None) -> Counter[str]:
    """The bank's word on every payment (银行回执); the dearest of one pool comes back."""

    def report(pool: str) -> Counter[str]:
        clerk = client.as_actor(f"finance:{pool}/cashier-1")
        paying = list(_waiting(clerk, month, "paying"))
        dearest = max((one["total_fen"] for one in paying), default=0)
        found: Counter[str] = Counter()
        for one in paying:
            fails = pool == bounces and one["total_fen"] == dearest
            found[_reported(clerk, one["payment"]["payment_id"], day, fails=fails)] += 1
        return found

    return _together(report, pools())


def prepays(
    client: Jicai, pool: str, hospital_id: str, batch_id: str, amount_fen: int
) -> Counter[str]:
    """Finance prepays a hospital for a batch (预付)."""
    words: Json = {
        "prepayment_id": f"YF-{batch_id}-{hospital_id}",
        "hospital_id": hospital_id,
        "batch_id": batch_id,
        "amount_fen": amount_fen,
    }
    return _said(client.as_actor(f"finance:{pool}/cashier-1"), f"{BASE}/prepayments", words)


def disputes(client: Jicai, month: str, hospital_id: str, reason: str) -> Counter[str]:
    """A hospital contests the first receipt line of its dearest statement (争议)."""
    clerk = client.as_actor(f"hospital:{hospital_id}")
    drafts = list(_waiting(clerk, month, "draft"))
    if not drafts:
        return Counter()
    dearest = max(drafts, key=lambda one: int(one["total_fen"]))
    line = next(line for line in dearest["lines"] if line["kind"] == "receipt")
    words: Json = {"line_ids": [line["line_id"]], "reason": reason}
    return _said(clerk, f"{BASE}/statements/{dearest['statement_id']}/dispute", words)


def resolves(client: Jicai, pool: str, outcome: str) -> Counter[str]:
    """The bureau of a pool resolves what is contested there (争议处理)."""
    clerk = client.as_actor(f"bureau:{pool}/auditor-1")
    found: Counter[str] = Counter()
    for one in list(clerk.pages(f"{BASE}/disputes", state="open", limit=MOST)):
        found += _said(clerk, f"{BASE}/disputes/{one['dispute_id']}/resolve", {"outcome": outcome})
    return found


def suspends(client: Jicai, suspension: Json) -> Counter[str]:
    """The province suspends a supplier's direct settlement (暂停直接结算)."""
    return _said(
        client.as_actor(f"bureau:{PROVINCE}/director-1"), f"{BASE}/suspensions", suspension
    )


def _at_desks(
    client: Jicai, actors: Iterable[str], month: str, state: str, step: str
) -> Counter[str]:
    return _together(lambda actor: _stack(client.as_actor(actor), month, state, step), actors)


def _together(work: Callable[[str], Counter[str]], desks: Iterable[str]) -> Counter[str]:
    with ThreadPoolExecutor(DESKS) as clerks:
        return sum(clerks.map(work, desks), Counter[str]())


def _stack(clerk: Jicai, month: str, state: str, step: str) -> Counter[str]:
    """One clerk's stack in one request, or in several where it is high."""
    ids = [one["statement_id"] for one in _waiting(clerk, month, state)]
    found: Counter[str] = Counter()
    for start in range(0, len(ids), MOST):
        words = {"statement_ids": ids[start : start + MOST]}
        results = clerk.post(f"{BASE}/statements:{step}", words)["results"]
        found.update(one["code"] or DONE for one in results)
    return found


def _waiting(clerk: Jicai, month: str, state: str) -> Iterator[Json]:
    """What waits in this state and asks for money, for an office that of its own pool."""
    role, _, organisation = (clerk.actor or "").partition("/")[0].partition(":")
    for one in clerk.pages(f"{BASE}/statements", month=month, state=state, limit=MOST):
        is_own = role not in ("bureau", "finance") or one["pool"] == organisation
        if is_own and one["total_fen"] > 0:
            yield one


def _reported(clerk: Jicai, payment_id: str, day: str, *, fails: bool) -> str:
    words: Json = {"payment_id": payment_id, "result": "failed", "reason": "收款户名不符"}
    if not fails:
        reference = f"YH-{payment_id}"
        words = {"payment_id": payment_id, "result": "paid", "bank_reference": reference}
        words["value_date"] = day
    clerk.post(f"{BASE}/bank-results", words)
    return "failed" if fails else DONE


def _said(clerk: Jicai, path: str, words: Json) -> Counter[str]:
    try:
        clerk.post(path, words)
    except Problem as problem:
        return Counter({problem.code: 1})
    return Counter({DONE: 1})

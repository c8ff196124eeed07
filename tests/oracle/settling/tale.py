"""What is said in the town, one call after the other: goods to the events' door, money to settlement.

A call that is refused must leave the office as it was.
"""

from copy import deepcopy
from datetime import datetime
from typing import Any

from tests.oracle.settling.desk import BASE, opened, post_events, request
from tests.oracle.settling.refusals import Answer
from tests.oracle.settling.timers import advance
from tests.oracle.settling.town import PROVINCE, PURSE, START, D, H, name, town


class Tale:
    """What is said in the town, one call after the other."""

    def __init__(self) -> None:
        self.office = opened(town(), START)
        self.said = 0

    # ── goods ─────────────────────────────────────────────────────────────────────────────────

    def event(
        self,
        actor: str,
        order: str,
        kind: str,
        at: datetime,
        happened: datetime | None,
        data: dict[str, Any],
    ) -> str | None:
        """One event; None where it was accepted, else its code."""
        self.said += 1
        made = {
            "specversion": "1.0",
            "id": str(self.said),
            "source": f"urn:jicai:{actor.split(':')[1]}",
            "type": f"jicai.{kind}.v1",
            "time": (happened or at).isoformat(),
            "data": {"order_id": order, **data},
        }
        return post_events(self.office, at, actor, [made])[0].code

    def receive(
        self,
        at: datetime,
        *rows: tuple[str, str],
        order: str = "1",
        happened: datetime | None = None,
        hospital: str = H,
        payee: str = D,
        price: str = "0.01",
        rejected: tuple[str, ...] = (),
        back_entered: bool = False,
    ) -> str:
        """Rows of (product, quantity) ordered, sent and received at once; the order's id."""
        key = f"{hospital}-{order}"
        placed = [
            {"line_id": product, "product_id": product, "quantity": "1000", "unit_price": price}
            for product, _ in rows
        ]
        sent = [
            {"line_id": p, "quantity": q, "lot_number": "1", "expires_on": "2028-01-01"}
            for p, q in rows
        ]
        taken = [
            {"line_id": p, "accepted": "0", "rejected": q}
            if p in rejected
            else {"line_id": p, "accepted": q, "rejected": "0"}
            for p, q in rows
        ]
        buyer, seller = f"hospital:{hospital}", f"distributor:{payee}"
        both: dict[str, Any] = {"hospital_id": hospital, "distributor_id": payee, "lines": placed}
        both |= {"back_entered": back_entered}
        assert self.event(buyer, key, "order.placed", at, None, both) is None
        load = {"delivery_id": "D1", "lines": sent}
        assert self.event(seller, key, "delivery.dispatched", at, None, load) is None
        load = {"delivery_id": "D1", "receipt_id": "R1", "lines": taken}
        assert self.event(buyer, key, "delivery.received", at, happened, load) is None
        return key

    def invoice(
        self,
        at: datetime,
        order: str,
        *rows: tuple[str, str, str],
        kind: str = "sale",
        happened: datetime | None = None,
        **more: Any,
    ) -> None:
        """An invoice of rows (product, quantity, price) over the order's receipt."""
        lines = [{"line_id": p, "quantity": q, "unit_price": price} for p, q, price in rows]
        story = self.office.orders.story(order)
        seller = f"distributor:{story.placed.data['distributor_id']}"
        names = {"invoice_id": f"I{self.said}", "invoice_number": "1", "receipt_id": "R1"}
        said = {"lines": lines, "kind": kind, **names, **more}
        assert self.event(seller, order, "invoice.registered", at, happened, said) is None

    def goods(self, at: datetime, *rows: tuple[str, str, str], **more: Any) -> str:
        """Rows (product, quantity, price) received and invoiced as they should be."""
        order = self.receive(at, *[row[:2] for row in rows], **more)
        self.invoice(at, order, *rows)
        return order

    def ask_back(self, at: datetime, order: str, product: str, quantity: str, key: str) -> None:
        """The hospital wants to return something."""
        lines = [{"line_id": product, "quantity": quantity}]
        buyer = f"hospital:{order.split('-')[0]}"
        said = {"return_id": key, "receipt_id": "R1", "lines": lines, "reason": "x"}
        assert self.event(buyer, order, "return.requested", at, None, said) is None

    def take_back(
        self,
        at: datetime,
        order: str,
        product: str,
        quantity: str,
        key: str = "T1",
        confirmed: bool = True,
        happened: datetime | None = None,
    ) -> None:
        """A return, asked for and answered."""
        self.ask_back(at, order, product, quantity, key)
        seller = f"distributor:{self.office.orders.story(order).placed.data['distributor_id']}"
        answer = {"return_id": key, "confirmed": confirmed}
        assert self.event(seller, order, "return.answered", at, happened, answer) is None

    # ── money ─────────────────────────────────────────────────────────────────────────────────

    def post(self, at: datetime, actor: str | None, path: str, body: Any = None) -> Answer:
        """A POST to settlement."""
        before = deepcopy(self.at(at))
        answer = request(self.office, at, actor, "POST", BASE + path, body)
        if answer.status >= 400:
            assert self.office.__dict__ == before.__dict__, "a refusal changes nothing"
        return answer

    def get(self, path: str, actor: str = PROVINCE, at: datetime | None = None) -> Any:
        """What a GET shows, by default at the last instant."""
        answer = request(self.office, at or self.office.now, actor, "GET", BASE + path)
        assert answer.status == 200, answer
        return answer.body

    def fault(self, at: datetime, actor: str | None, path: str, body: Any = None) -> Any:
        """Status and code of a POST that is refused."""
        answer = self.post(at, actor, path, body)
        assert answer.status >= 400, answer
        return answer.status, answer.code

    def done(self, at: datetime, actor: str, path: str, body: Any = None) -> Any:
        """The resource that a POST answers with."""
        answer = self.post(at, actor, path, body)
        assert answer.status in (200, 201), answer
        return answer.body

    def confirmed(self, at: datetime, key: str) -> None:
        """Both sides have confirmed."""
        hospital, payee = key.split("~")[:2]
        self.done(at, f"hospital:{hospital}", f"/statements/{key}/confirm")
        self.done(at, f"distributor:{payee}", f"/statements/{key}/confirm")

    def approved(self, at: datetime, key: str) -> None:
        """Confirmed, and approved by Zhao of the province."""
        self.confirmed(at, key)
        self.done(at, PROVINCE, f"/statements/{key}/approve")

    def paying(self, at: datetime, key: str) -> dict[str, Any]:
        """Finance of the province has asked the bank; the payment."""
        return dict(self.done(at, PURSE, f"/statements/{key}/pay")["payment"])

    def bank(self, at: datetime, payment: dict[str, Any], result: str = "paid") -> Any:
        """The bank's word."""
        said = {"payment_id": payment["payment_id"], "result": result}
        return self.done(at, PURSE, "/bank-results", said)

    def paid(self, at: datetime, key: str) -> None:
        """All the way."""
        self.approved(at, key)
        self.bank(at, self.paying(at, key))

    # ── what is seen ──────────────────────────────────────────────────────────────────────────

    def at(self, now: datetime) -> Any:
        """The office as it stands then."""
        advance(self.office, now)
        return self.office

    def one(self, month: str = "2026-03", payee: str = D, hospital: str = H, more: str = "") -> Any:
        """The statement of a month as it is shown now."""
        return self.get(f"/statements/{name(month, payee, hospital)}{more}")

    def balance(self, account: str, as_of: str | None = None) -> int:
        """The balance of an account."""
        query = f"?as_of={as_of}" if as_of else ""
        return int(self.get(f"/accounts/{account}{query}")["balance_fen"])

    def reasons(self) -> list[tuple[str, str]]:
        """What does not match, by line."""
        items = self.get("/unmatched")["items"]
        return [(item["order_line_id"], item["reason"]) for item in items]

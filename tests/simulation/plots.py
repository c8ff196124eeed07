"""What one order or one ticket goes through (情节): acts in a plausible order, for the dice to cut and mix."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import Random

from services.feedback import commands as tickets
from services.orders import commands as orders
from shared.events import feedback
from shared.events import orders as facts
from shared.kernel.quantity import format_quantity
from tests.simulation.ground import DISTRIBUTORS, HOSPITALS, MAKERS, PRICE, PRODUCTS, UNIT
from tests.simulation.steps import Post

_AGES = (timedelta(), timedelta(), timedelta(minutes=10), timedelta(hours=30), timedelta(hours=80))


def order_plot(dice: Random, number: int) -> Iterator[Post]:
    """An order: placed, answered or cancelled, delivered, received, invoiced, returned."""
    return _Order(dice, number).acts()


class _Order:
    def __init__(self, dice: Random, number: int) -> None:
        self.dice, self.number, self.count = dice, number, 0
        self.hospital = dice.choice(HOSPITALS)
        self.distributor = dice.choice(DISTRIBUTORS)
        self.order_id = f"{self.hospital}-O{number}"
        products = dice.sample(PRODUCTS, dice.choice((1, 1, 2)))
        self.lines = {
            f"L{n}": (product, dice.choice((1, 7, 100)) * UNIT + dice.choice((0, 3333)))
            for n, product in enumerate(products, 1)
        }

    def acts(self) -> Iterator[Post]:
        dice = self.dice
        yield self._place()
        road = dice.random()
        if road < 0.15:
            yield self._cancel()
        if road < 0.85:
            yield self._answer()
        if road > 0.85:
            return
        for delivery in range(dice.choice((1, 1, 2))):
            yield from self._delivery(f"D{delivery}", whole=delivery == 0 and dice.random() < 0.6)
        if dice.random() < 0.1:
            yield self._cancel()

    def _post(self, type_: str, sender: str, command: orders.OrderCommand) -> Post:
        self.count += 1
        name = f"O{self.number}-{self.count}-{type_.split('.')[2]}"
        return Post(name, type_, sender, command, self.dice.choice(_AGES))

    def _place(self) -> Post:
        dear = self.dice.random() < 0.1
        lines = [
            orders.OrderedLine(
                line_id,
                product,
                quantity,
                format_quantity(quantity),
                PRICE + dear,
                format_quantity(PRICE + dear),
                None,
            )
            for line_id, (product, quantity) in self.lines.items()
        ]
        command = orders.PlaceOrder(
            self.order_id, self.hospital, self.distributor, self.dice.random() < 0.2, False, lines
        )
        return self._post(facts.PLACED, f"hospital:{self.hospital}", command)

    def _answer(self) -> Post:
        lines = None
        if self.dice.random() < 0.3:
            reason = self.dice.choice(("no_stock", "no_agreement", "wrong_product"))
            line_id = self.dice.choice(list(self.lines))
            lines = [orders.LineAnswer(line_id, False, reason, None)]
        command = orders.AnswerOrder(self.order_id, lines)
        return self._post(facts.ANSWERED, f"distributor:{self.distributor}", command)

    def _cancel(self) -> Post:
        line_ids = None if self.dice.random() < 0.5 else [self.dice.choice(list(self.lines))]
        command = orders.CancelOrder(self.order_id, line_ids, "error")
        return self._post(facts.CANCELLED, f"hospital:{self.hospital}", command)

    def _delivery(self, name: str, *, whole: bool) -> Iterator[Post]:
        dice, by = self.dice, f"distributor:{self.distributor}"
        goods = {k: q if whole else max(1, q // 3) for k, (_, q) in self.lines.items()}
        if not whole and dice.random() < 0.3:
            goods = dict(list(goods.items())[:1])
        lots = [
            orders.LotLine(k, q, format_quantity(q), "LOT1", "2027-12-31", [])
            for k, q in goods.items()
        ]
        sent = orders.DispatchDelivery(name, self.order_id, lots)
        yield self._post(facts.DISPATCHED, by, sent)
        if dice.random() < 0.7:
            proof = dice.choice(((None, None), ("signed", "x")))
            arrived = orders.ReportArrival(name, self.order_id, *proof)
            yield self._post(facts.ARRIVED, by, arrived)
        if dice.random() < 0.85:
            yield from self._receipt(name, goods)

    def _receipt(self, delivery: str, goods: dict[str, int]) -> Iterator[Post]:
        dice = self.dice
        taken = {k: q if dice.random() < 0.8 else q // 2 for k, q in goods.items()}
        lines = [
            orders.LineReceipt(
                k,
                taken[k],
                format_quantity(taken[k]),
                q - taken[k],
                format_quantity(q - taken[k]),
                None if q == taken[k] else dice.choice(("damaged", "no_longer_needed")),
            )
            for k, q in goods.items()
        ]
        receipt = f"R-{delivery}"
        command = orders.ReceiveDelivery(receipt, delivery, self.order_id, None, lines)
        yield self._post(facts.RECEIVED, f"hospital:{self.hospital}", command)
        if dice.random() < 0.85:
            yield self._invoice(receipt, taken)
        if dice.random() < 0.25:
            yield from self._return(receipt, taken)

    def _invoice(self, receipt: str, taken: dict[str, int]) -> Post:
        price = PRICE - self.dice.choice((0, 0, 0, 777, -1))
        short = self.dice.random() < 0.1
        lines = [
            orders.InvoicedLine(
                k, q - short, format_quantity(q - short), price, format_quantity(price)
            )
            for k, q in taken.items()
        ]
        command = orders.RegisterInvoice(
            f"I-{receipt}", "8", self.order_id, receipt, lines, "sale", None
        )
        return self._post(facts.INVOICE_REGISTERED, f"distributor:{self.distributor}", command)

    def _return(self, receipt: str, taken: dict[str, int]) -> Iterator[Post]:
        line_id, quantity = self.dice.choice(list(taken.items()))
        back = max(1, quantity // self.dice.choice((1, 2)))
        lines = [orders.QuantityLine(line_id, back, format_quantity(back))]
        asked = orders.RequestReturn(f"B-{receipt}", self.order_id, receipt, lines, "expired")
        yield self._post(facts.RETURN_REQUESTED, f"hospital:{self.hospital}", asked)
        confirmed = self.dice.random() < 0.8
        answer = orders.AnswerReturn(f"B-{receipt}", self.order_id, confirmed, None)
        yield self._post(facts.RETURN_ANSWERED, f"distributor:{self.distributor}", answer)


def ticket_plot(dice: Random, number: int) -> Iterator[Post]:
    """A ticket: opened, perhaps replied to, solved, reopened, confirmed, supervised, closed."""
    hospital = dice.choice(HOSPITALS)
    addressee = dice.choice((DISTRIBUTORS[0], MAKERS[0]))
    ticket_id = f"{hospital}-T{number}"
    by = f"hospital:{hospital}"
    opening = tickets.OpenTicket(
        ticket_id=ticket_id, hospital_id=hospital, product_id=dice.choice(PRODUCTS[:2]),
        addressees=(addressee,), category="other", description="断供", order_ids=(),
        prominent=dice.random() < 0.15, by=by,
    )  # fmt: skip
    yield Post(f"T{number}-0-opened", feedback.TICKET_OPENED, by, opening)
    firm = f"{'distributor' if addressee in DISTRIBUTORS else 'manufacturer'}:{addressee}"
    bureau = "bureau:360000"
    for count in range(1, dice.choice((1, 1, 3, 5)) + 1):
        kind = dice.choice(("reply", "reply", "solve", "solve", "confirm", "reopen", "reopen",
                            "supervise", "close"))  # fmt: skip
        command, sender = {
            "reply": (tickets.Reply, firm),
            "solve": (tickets.Solve(by=firm), firm),
            "confirm": (tickets.Confirm(by=by), by),
            "reopen": (tickets.Reopen(by=by), by),
            "supervise": (tickets.Supervise(by=bureau, measure="约谈", note=""), bureau),
            "close": (tickets.Close(by=bureau, reason="其他"), bureau),
        }[kind]
        yield Post(
            f"T{number}-{count}-{kind}", f"jicai.ticket.{kind}.v1", sender, (ticket_id, command),
            hours=dice.choice((2, 20, 60, 110)),
        )  # fmt: skip

"""What the offices ask for at an instant, given what lies on their desks: mostly fitting, not always.

A clerk sees the office as it stands and proposes requests in our ids. Each sort of fault is proposed
now and then: the wrong side, another pool, no person, the same person, the wrong order, the contrary,
the same again with other content.
"""

from collections.abc import Iterator
from typing import Any

from tests.oracle.settling.decisions import PROVINCE, PURSE, Ask, Decisions
from tests.oracle.settling.land import HOSPITALS, PAYEES
from tests.oracle.settling.office import Office
from tests.oracle.settling.parties import pool_of
from tests.oracle.settling.statements import Statement


class Clerks(Decisions):
    """Everybody who has a say, with one source of chance."""

    def at_work(self) -> Iterator[Ask]:
        """A few requests; each is seen by the next."""
        rng = self.rng
        for one in sorted(self.office.statements, key=lambda one: one.statement_id):
            if rng.random() < self.zeal(one):
                yield self.step(one)
        for dispute in self.office.disputes:
            if rng.random() < (0.01 if dispute.outcome else 0.1):
                pool = pool_of(dispute.statement.hospital_id)
                actor = self.one_of(f"bureau:{pool}", PROVINCE, f"finance:{pool}")
                outcome = dispute.outcome or rng.choice(["settle", "settle", "withdraw"])
                if rng.random() < 0.1:
                    outcome = "withdraw"
                yield actor, f"/disputes/{dispute.dispute_id}/resolve", {"outcome": outcome}
        for chance, ask in (
            (0.03, self.suspend),
            (0.05, self.lift),
            (0.06, self.prepay),
            (0.03, self.offset),
            (0.06, self.reverse),
            (0.03, self.close),
            (0.04, self.many),
        ):
            if rng.random() < chance:
                yield from ask()

    def zeal(self, statement: Statement) -> float:
        """How soon something is done with it: what is done is rarely touched."""
        if statement.state in ("paid", "carried_forward"):
            return 0.01
        return 0.2 if statement.total_fen > 0 else 0.05

    # ── statements ────────────────────────────────────────────────────────────────────────────

    def step(self, one: Statement) -> Ask:
        """What the state asks for, a dispute, or something out of place."""
        rng = self.rng
        pool, path = pool_of(one.hospital_id), f"/statements/{one.statement_id}"
        hospital, payee = f"hospital:{one.hospital_id}", f"distributor:{one.payee_id}"
        bureau, purse = f"bureau:{pool}/li", f"finance:{pool}/wang"
        if one.state in ("draft", "hospital_confirmed") and rng.random() < 0.2:
            return self.contest(one, rng.choice([hospital, payee]))
        if one.state == "paying" or (one.payments and rng.random() < 0.1):
            return self.bank(one, purse)
        fitting = {
            "draft": (hospital, "confirm"),
            "hospital_confirmed": (payee, "confirm"),
            "confirmed": (bureau, "approve"),
            "approved": (purse, "pay"),
        }
        if rng.random() < 0.08:
            actor, name = rng.choice(list(fitting.values()))
            return actor, f"{path}/{name}", None
        if one.state in fitting and rng.random() < 0.8:
            actor, name = fitting[one.state]
            return actor, f"{path}/{name}", None
        strangers = ("finance:360300/li", "bureau:360102/li", "regulator:360000", PROVINCE, PURSE)
        nobody = (
            f"bureau:{pool}",
            f"finance:{pool}",
            f"finance:{pool}/li",
            f"hospital:{HOSPITALS[1]}",
        )
        actor = rng.choice([hospital, payee, bureau, purse, *strangers, *nobody])
        return actor, f"{path}/{rng.choice(['confirm', 'approve', 'pay'])}", None

    def contest(self, one: Statement, actor: str) -> Ask:
        """A dispute of some lines, perhaps of one that is disputed already or of none that exists."""
        rng = self.rng
        lines = [line.line_id for line in one.lines]
        fresh = [line.line_id for line in one.settled] or lines
        ids = rng.sample(fresh, min(len(fresh), rng.choice([1, 1, 2, 5])))
        returned = {line.goods.key for line in one.settled if line.kind == "return"}
        if returned and rng.random() < 0.5:
            ids = [line.line_id for line in one.settled if line.key[1:] in returned][:1]
        if rng.random() < 0.2:
            ids = rng.choice([[], ["none"], ["none"], lines[:1] * 2, lines])
        said = {"line_ids": ids, "reason": "数量不符"}
        return actor, f"/statements/{one.statement_id}/dispute", said

    def bank(self, one: Statement, purse: str) -> Ask:
        """The word of the bank, perhaps once more, perhaps the contrary."""
        payment = self.rng.choice(one.payments)
        actor = self.one_of(purse, PURSE, "finance:360300/x", PROVINCE)
        result = self.rng.choices(["paid", "failed"], [65, 35])[0]
        said = {"payment_id": payment.payment_id, "result": result}
        if result == "paid":
            said["bank_reference"] = f"ref {payment.payment_id}"
        return actor, "/bank-results", said

    def many(self) -> Iterator[Ask]:
        """One clerk takes everything that lies there."""
        ids = sorted(one.statement_id for one in self.office.statements)
        if ids:
            actor, name = self.rng.choice(
                [
                    (f"hospital:{HOSPITALS[0]}", "confirm"),
                    (f"distributor:{PAYEES[0]}", "confirm"),
                    (PROVINCE, "approve"),
                    (PURSE, "pay"),
                ]
            )
            yield actor, f"/statements:{name}", {"statement_ids": ids}


def surplus(office: Office) -> Iterator[Ask]:
    """At the end the retained surplus is previewed and paid, twice."""
    for hospital in HOSPITALS[:2]:
        said = {"batch_id": "B-1", "year": 2026, "hospital_id": hospital}
        yield PROVINCE, "/retentions:calculate", said | {"preview": True}
        yield "bureau:360100", "/retentions:calculate", said
        yield "bureau:360100", "/retentions:calculate", said


def inputs(generic_price: str = "20") -> dict[str, Any]:
    """What a bureau says for a surplus; quantities sent and quantities left out."""
    factors = {"assessment": "0.40", "accuracy": "1", "fund_ratio": "0.60", "insured_share": "0.80"}
    first = {
        "generic_name": "通用名P-1",
        "reported_quantity": "1200",
        "pre_price": generic_price,
        "non_selected": [{"quantity": "10", "price": "18.0001"}],
    }
    second = {"generic_name": "通用名P-2", "reported_quantity": "0", "pre_price": "1"}
    return {**factors, "varieties": [first, second | {"non_selected": []}]}

"""The office that settles (经办机构): everything it has done so far, and what it knows.

`said` remembers every act that names itself by an id, for the same again is 200 and changes nothing.

Readings
- "The same again" compares the whole body with the first one, unknown members included; who asks
  is not compared, for it must be one who may.
- The same again is no fault, so it is answered before the faults of the body (a prepayment whose
  agreements have grown since is still there); other content is a fault like others, and 422 first.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tests.oracle.orders import Orders
from tests.oracle.settling.goods import Key
from tests.oracle.settling.ledger import Ledger
from tests.oracle.settling.refusals import Refused
from tests.oracle.settling.statements import Line, Payment, Statement


@dataclass
class Dispute:
    """Lines of a statement that one side contests (争议)."""

    dispute_id: str
    statement: Statement
    lines: list[Line]
    reason: str
    outcome: str | None = None

    def document(self) -> dict[str, Any]:
        """The dispute as the contract shows it."""
        return {
            "dispute_id": self.dispute_id,
            "statement_id": self.statement.statement_id,
            "line_ids": [line.line_id for line in self.lines],
            "reason": self.reason,
            "state": "resolved" if self.outcome else "open",
            "outcome": self.outcome,
        }


@dataclass
class Suspension:
    """Direct settlement suspended for a payee, or for all, in a scope (暂停直接结算)."""

    suspension_id: str
    payee_id: str | None
    scope: str
    begins_at: datetime
    decision: str
    in_force: bool = False
    lifted: str | None = None


@dataclass
class Prepayment:
    """What the fund gave a hospital in advance (预付)."""

    prepayment_id: str
    hospital_id: str
    amount_fen: int
    reversed: bool = False


@dataclass
class Office:
    """All that was done, in order; `now` is the instant of the act or timer being worked on."""

    orders: Orders
    start: datetime
    now: datetime = field(init=False)
    drafted: list[str] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)
    suspensions: list[Suspension] = field(default_factory=list)
    prepayments: list[Prepayment] = field(default_factory=list)
    payments: dict[str, Payment] = field(default_factory=dict)
    inputs: dict[tuple[str, int, str], dict[str, Any]] = field(default_factory=dict)
    retained: dict[tuple[str, int, str], dict[str, Any]] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    said: dict[tuple[str, str], Any] = field(default_factory=dict)
    reminded: set[tuple[str, datetime]] = field(default_factory=set)

    def __post_init__(self) -> None:
        """It begins with nothing done."""
        self.now = self.start

    @property
    def today(self) -> date:
        """The local day of now."""
        return self.now.date()

    def heard(self, kind: str, key: str, body: Any) -> bool:
        """Whether exactly this was said before."""
        return (kind, key) in self.said and self.said[kind, key] == body

    def once(self, kind: str, key: str, body: Any) -> None:
        """Remember what is said under an id; 409 where something else was."""
        if (kind, key) in self.said and self.said[kind, key] != body:
            raise Refused(409, "conflicting_duplicate")
        self.said[kind, key] = body

    def listed(self, key: tuple[str, ...]) -> list[Line]:
        """Every listing of a receipt line or of a return line, in any statement."""
        return [line for one in self.statements for line in one.lines if line.key == key]

    def settled_line(self, receipt: Key) -> Line | None:
        """The line by which a receipt line is settled now."""
        lines = [line for line in self.listed(("", *receipt)) if line.state == "settled"]
        return lines[0] if lines else None

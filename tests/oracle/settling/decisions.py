"""What is asked for beside statements: suspensions, money in advance, offsets, reversals, closed months.

Each is asked for rightly, wrongly, and again: the same again, and again with other content.
"""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from tests.oracle.calendar import local_day
from tests.oracle.settling.drafting import month_after
from tests.oracle.settling.land import BATCHES, HOSPITALS, MAKERS, PAYEES
from tests.oracle.settling.office import Office
from tests.oracle.settling.parties import pool_of
from tests.oracle.settling.prepayments import LEAST, agreed_fen

Ask = tuple[str, str, Any]
"""Actor, path, body: always a POST."""
PROVINCE, PURSE = "bureau:360000/zhao", "finance:360000/sun"


class Decisions:
    """The province, finance, and their source of chance."""

    def __init__(self, rng: random.Random, office: Office) -> None:
        self.rng, self.office, self.serial = rng, office, 0

    def one_of(self, usual: str, *others: str) -> str:
        """Mostly the first."""
        return self.rng.choice(others) if self.rng.random() < 0.15 else usual

    def new(self, letter: str) -> str:
        """A fresh id."""
        self.serial += 1
        return f"{letter}-{self.serial}"

    # ── decisions of the province ─────────────────────────────────────────────────────────────

    def suspend(self) -> Iterator[Ask]:
        """A suspension in some scope, from today, some days on, or a day gone by."""
        rng = self.rng
        scopes = ["all", *(f"batch:{one}" for one in BATCHES), "product:P-1", "product:P-2"]
        scopes += [f"manufacturer:{one}" for one in MAKERS]
        first = local_day(self.office.now) + timedelta(days=rng.choice([-1, 0, 1, 3]))
        said = {"suspension_id": self.new("S"), "scope": rng.choice(scopes), "decision": "赣医保"}
        said |= {"from": first.isoformat()}
        if rng.random() < 0.8:
            said["payee_id"] = rng.choice(PAYEES[:2])
        yield self.one_of(PROVINCE, "bureau:360100/li"), "/suspensions", said
        if rng.random() < 0.3:
            yield PROVINCE, "/suspensions", said
            yield PROVINCE, "/suspensions", said | {"decision": "另"}

    def lift(self) -> Iterator[Ask]:
        """A suspension ends; some are lifted twice."""
        known = [one.suspension_id for one in self.office.suspensions]
        standing = [one.suspension_id for one in self.office.suspensions if not one.lifted]
        if known:
            key = self.rng.choice(standing or known)
            said = {"decision": self.rng.choice(["整改到位", "整改到位", "另"])}
            yield PROVINCE, f"/suspensions/{key}/lift", said
            if self.rng.random() < 0.2:
                yield PROVINCE, f"/suspensions/{key}/lift", said

    def close(self) -> Iterator[Ask]:
        """The month gone by, or one that has not ended."""
        month = f"{local_day(self.office.now).replace(day=1) - timedelta(days=1):%Y-%m}"
        month = self.rng.choice([month, month, month_after(month)])
        yield self.one_of(PURSE, "finance:360100/wang"), f"/months/{month}/close", None

    # ── money in advance and set off ──────────────────────────────────────────────────────────

    def prepay(self) -> Iterator[Ask]:
        """Just enough, a fen too little, or small where nothing was agreed."""
        rng = self.rng
        hospital, batch = rng.choice(HOSPITALS), rng.choice(sorted(BATCHES))
        least = -(-(agreed_fen(self.office, hospital, batch) * LEAST) // 1)
        fen = max(1, int(least) + rng.choice([0, 0, 0, 1000, -1])) if least else 5000
        said: dict[str, Any] = {
            "prepayment_id": self.new("V"),
            "hospital_id": hospital,
            "batch_id": batch,
        }
        said |= {"amount_fen": fen}
        actor = self.one_of(
            f"finance:{pool_of(hospital)}/wang", PURSE, PROVINCE, "finance:360300/x"
        )
        yield actor, "/prepayments", said
        if rng.random() < 0.3:
            yield PURSE, "/prepayments", said
            yield PURSE, "/prepayments", said | {"amount_fen": fen + 1}

    def offset(self) -> Iterator[Ask]:
        """Something of a hospital's debt is set off."""
        hospital = self.rng.choice(HOSPITALS)
        said: dict[str, Any] = {"offset_id": self.new("O"), "hospital_id": hospital}
        said |= {"amount_fen": self.rng.randint(1, 9999)}
        yield PURSE, "/offsets", said
        if self.rng.random() < 0.3:
            yield PURSE, "/offsets", said

    def reverse(self) -> Iterator[Ask]:
        """Any entry; a few can be reversed, and again."""
        entries = self.office.ledger.entries
        wanted = [one for one in entries if one.kind in ("prepayment", "offset")]
        if entries:
            key = self.rng.choice(wanted or entries).entry_id
            if self.rng.random() < 0.2:
                key = self.rng.choice(entries).entry_id
            said = {"reason": self.rng.choice(["误", "误", "另"])}
            yield self.one_of(PURSE, "finance:360300/x"), f"/entries/{key}/reverse", said

"""One step of one statement or of many (对账办理): faults in their order, then the rules behind locks.

What a side has done already is told from the row alone, so a second run over a month costs a look.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from services.settlement.api.judged import problem_of
from services.settlement.api.statements.access import is_of_pool, is_party, no_statement
from services.settlement.domain.payee import stream_of as payee_stream
from services.settlement.domain.statement import StatementStream, stream_of
from services.settlement.domain.stepping import approve, confirm, pay
from services.settlement.policy import statement_terms
from services.settlement.projections.payees import Standing, standing_accounts
from services.settlement.projections.payments import prepaid_left, prepaid_lock
from services.settlement.projections.statements import find_statements
from services.settlement.sets.suspending import held_back
from shared.events.statements import PAYMENT_ORDERED
from shared.kernel.decider import Decided
from shared.kernel.errors import Problem, Refusal
from shared.runtime.actors import Acting, forbidden
from shared.runtime.deciding import Held, decide_together
from shared.runtime.room import Room

StepName = Literal["confirm", "approve", "pay"]

_CHUNK: Final = 250

_DONE: Final[dict[tuple[str, str], frozenset[str]]] = {
    ("confirm", "hospital"): frozenset(
        {"hospital_confirmed", "confirmed", "approved", "paying", "paid"}
    ),
    ("confirm", "distributor"): frozenset({"confirmed", "approved", "paying", "paid"}),
    ("approve", "bureau"): frozenset({"approved", "paying", "paid"}),
}
"""In which states a step has been taken by this role; who orders a payment is looked at each time."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What steps stand on besides their statements, behind the locks (判定依据)."""

    suspended: set[str] = field(default_factory=set)
    prepaid: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, Standing] = field(default_factory=dict)


async def take_step(
    room: Room, acting: Acting, step: StepName, ids: Sequence[str]
) -> dict[str, Problem | None]:
    """Take a step for each of these statements; its problem, or None where it stands now. Durable."""
    rows = await find_statements(room.pool, acting.actor, ids)
    outcomes: dict[str, Problem | None] = {}
    todo: list[Any] = []
    for id_ in dict.fromkeys(ids):
        row = rows.get(id_)
        outcomes[id_] = no_statement() if row is None else _stopped(acting, step, row)
        done = _DONE.get((step, acting.actor.role), frozenset())
        if row is not None and outcomes[id_] is None and row["state"] not in done:
            todo.append(row)
    for start in range(0, len(todo), _CHUNK):
        outcomes |= await _take(room, acting, step, todo[start : start + _CHUNK])
    return outcomes


def _stopped(acting: Acting, step: StepName, row: Any) -> Problem | None:
    """What is wrong before the statement's state is even looked at."""
    actor = acting.actor
    if step == "confirm":
        return (
            None if is_party(actor) else forbidden("只有医疗机构和企业可以确认", "for its parties")
        )
    role = "bureau" if step == "approve" else "finance"
    if not is_of_pool(actor, role, row["hospital_id"]):
        return forbidden("不是本统筹区的经办机构", "not the office of this pool")
    try:
        acting.person(always=True)
    except Problem as problem:
        return problem
    return None


async def _take(
    room: Room, acting: Acting, step: StepName, rows: Sequence[Any]
) -> dict[str, Problem | None]:
    """A chunk in one transaction; one statement's refusal stops no other."""
    hospitals = {row["hospital_id"] for row in rows}
    payees = {row["payee_id"] for row in rows}
    locks: list[str] = []
    if step == "pay":
        # No account is set or blocked between the look at it and the payment.
        locks = [*map(prepaid_lock, hospitals), *map(payee_stream, payees)]
    ids = {stream_of(row["statement_id"]): row["statement_id"] for row in rows}

    async def work(hold: Held) -> dict[str, Problem | None]:
        ground = await _ground(hold, step, list(ids.values()), hospitals, payees)
        rule = _rule(room, acting, step, hold, ground)
        outcomes: dict[str, Problem | None] = {}
        for stream, id_ in ids.items():
            try:
                hold.batch.apply(stream, rule)
                outcomes[id_] = None
            except Refusal as refusal:
                outcomes[id_] = problem_of(refusal)
        return outcomes

    return await decide_together(room, ids, work, locks=locks)


async def _ground(
    hold: Held, step: StepName, ids: Sequence[str], hospitals: set[str], payees: set[str]
) -> Ground:
    if step == "confirm":
        return Ground()
    suspended = await held_back(hold.tx, ids, hold.now)
    if step == "approve":
        return Ground(suspended)
    prepaid = await prepaid_left(hold.tx, list(hospitals))
    return Ground(suspended, prepaid, await standing_accounts(hold.tx, list(payees)))


def _rule(
    room: Room, acting: Acting, step: StepName, hold: Held, ground: Ground
) -> Callable[[StatementStream], Sequence[Decided]]:
    """The step as a rule over one statement, in the hands of this caller."""
    actor, by = acting.actor, str(acting.actor)
    terms = statement_terms(room.policy)

    def confirmed(state: StatementStream) -> Sequence[Decided]:
        side: Literal["hospital", "payee"] = "hospital" if actor.role == "hospital" else "payee"
        return confirm(state, side, by, hold.now, hold.calendar, terms)

    def approved(state: StatementStream) -> Sequence[Decided]:
        is_suspended = state.statement_id in ground.suspended
        return approve(state, actor.person or "", by, hold.now, is_suspended=is_suspended)

    def ordered(state: StatementStream) -> Sequence[Decided]:
        standing = ground.accounts.get(state.payee_id)
        decided = pay(
            state,
            actor.person or "",
            by,
            hold.now,
            is_suspended=state.statement_id in ground.suspended,
            prepaid_fen=ground.prepaid[state.hospital_id],
            account=standing.account if standing else None,
            is_blocked=standing is not None and standing.is_blocked,
        )
        for one in decided:
            if one.type == PAYMENT_ORDERED:
                # The next of this hospital draws what this one leaves.
                ground.prepaid[state.hospital_id] -= one.fact.from_prepaid_fen
        return decided

    return {"confirm": confirmed, "approve": approved, "pay": ordered}[step]
